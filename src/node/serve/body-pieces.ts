import type { IncomingMessage } from 'node:http';
import { RequestProblem } from './problem.js';
import type { CompleteSettings } from './settings.js';

/** Milliseconds of each turn of the event loop in which pieces are taken, those of all requests together. */
const share = 4;

export type BodyPiecesLimits = Pick<CompleteSettings, 'maxBody' | 'maxBodies'>;

/**
 * Takes bodies off their connections, a piece of each in turn. Many that come at once would otherwise be read and put together in
 * one turn of the event loop, and nobody is answered meanwhile. What is not taken yet waits outside of the process.
 */
export class BodyPieces {
  readonly #limits: BodyPiecesLimits;
  /** Bytes of the bodies that came and are of use. */
  readonly #held = new WeakMap<IncomingMessage, number>();
  #heldBytes = 0;
  /** Each takes one piece of a request. */
  readonly #ready = new Set<() => void>();
  #scheduled = false;

  constructor(limits: BodyPiecesLimits) {
    this.#limits = limits;
  }

  /** Bytes of bodies in memory. */
  get held(): number {
    return this.#heldBytes;
  }

  /**
   * The body of a request, in memory of its own. It counts as held until it is released.
   * @param begin is called before it is read
   * @throws RequestProblem where it is too large or not whole, and where too many others are held; why the connection ended
   */
  read(payload: IncomingMessage, begin: () => void): Promise<Buffer> {
    const { 'content-length': contentLength } = payload.headers;
    const length = contentLength === undefined ? undefined : Number(contentLength);
    if (length !== undefined && length > this.#limits.maxBody) throw tooLarge();
    // Nothing would come any more, and no event either.
    if (payload.destroyed) throw notWhole();
    // Before it is sent. Only what has come counts later: a promise of bytes costs no memory, and holds up nobody.
    this.#checkRoom(length ?? 0);
    begin();
    this.#held.set(payload, 0);
    const body = new GrowingBody(length);
    return new Promise<Buffer>((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#ready.delete(take);
        payload.off('readable', onReadable).off('end', onEnd).off('error', onError).off('close', onClose);
        act();
      };
      const fail = (error: unknown): void =>
        settle(() => {
          // The rest is of no use.
          payload.resume();
          reject(error);
        });
      const take = (): void => {
        // Nobody else would catch it.
        try {
          const piece: unknown = payload.read();
          if (!Buffer.isBuffer(piece)) return;
          if (body.length + piece.length > this.#limits.maxBody) throw tooLarge();
          this.#hold(payload, piece.length);
          body.add(piece);
        } catch (error) {
          fail(error);
        }
      };
      const onReadable = (): void => this.#inTurn(take);
      const onEnd = (): void => {
        if (length !== undefined && length !== body.length) fail(notWhole());
        else {
          try {
            const whole = body.whole();
            settle(() => resolve(whole));
          } catch (error) {
            fail(error);
          }
        }
      };
      const onError = (error: Error): void => fail(error);
      const onClose = (): void => fail(notWhole());
      payload.on('readable', onReadable).once('end', onEnd).once('error', onError).once('close', onClose);
    });
  }

  /** The body of a request is of no use any more. Safe to call again, and where there was none. */
  release(payload: IncomingMessage): void {
    this.#heldBytes -= this.#held.get(payload) ?? 0;
    this.#held.delete(payload);
  }

  #hold(payload: IncomingMessage, bytes: number): void {
    const before = this.#held.get(payload);
    // Its request is over.
    if (before === undefined) throw notWhole();
    this.#checkRoom(bytes);
    this.#held.set(payload, before + bytes);
    this.#heldBytes += bytes;
  }

  #checkRoom(bytes: number): void {
    if (this.#heldBytes + bytes <= this.#limits.maxBodies) return;
    const sentence = 'The bodies of other requests fill the memory that is meant for them; ask again later.';
    throw new RequestProblem('overloaded', sentence, { retryAfter: 1 });
  }

  #inTurn(take: () => void): void {
    this.#ready.add(take);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#takeSome());
  }

  #takeSome(): void {
    this.#scheduled = false;
    const until = performance.now() + share;
    for (const take of this.#ready) {
      this.#ready.delete(take);
      take();
      if (performance.now() >= until) break;
    }
    const [next] = this.#ready;
    if (next !== undefined) this.#inTurn(next);
  }
}

/** Bytes that come in pieces. Where their number is known they are copied as they come. */
class GrowingBody {
  readonly #expected: number | undefined;
  #whole: Buffer | undefined;
  readonly #pieces: Buffer[] = [];
  #length = 0;

  constructor(expected: number | undefined) {
    this.#expected = expected;
  }

  get length(): number {
    return this.#length;
  }

  add(piece: Buffer): void {
    if (this.#expected === undefined) this.#pieces.push(piece);
    else {
      // Not before something comes: a promise of bytes costs no memory.
      // Nobody sees it before it is full.
      const expected = this.#expected;
      this.#whole ??= allocated(expected, () => Buffer.allocUnsafeSlow(expected));
      piece.copy(this.#whole, this.#length);
    }
    this.#length += piece.length;
  }

  whole(): Buffer {
    return this.#whole ?? allocated(this.#length, () => Buffer.concat(this.#pieces, this.#length));
  }
}

/** @throws RequestProblem where there is no memory for so many bytes */
function allocated(bytes: number, allocate: () => Buffer): Buffer {
  try {
    return allocate();
  } catch (error) {
    const sentence = `The server has no memory for a body of ${bytes} bytes; send less, or ask again later.`;
    throw new RequestProblem('no-resources', sentence, { cause: error, retryAfter: 1 });
  }
}

const tooLarge = (): RequestProblem =>
  new RequestProblem('too-large', 'The body has more bytes than are accepted; send less.');
const notWhole = (): RequestProblem =>
  new RequestProblem('bad-request', 'The body is shorter or longer than its content-length; send all of it.');
