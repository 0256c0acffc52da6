import type { IncomingMessage } from 'node:http';
import { RequestProblem } from './problem.js';

/** Milliseconds of each turn of the event loop in which pieces are taken, those of all requests together. */
const share = 4;

/**
 * Takes bodies off their connections, a piece of each in turn. Many that come at once would otherwise be read and put together in
 * one turn of the event loop, and nobody is answered meanwhile. What is not taken yet waits outside of the process.
 */
export class BodyPieces {
  readonly #maxBody: number;
  /** Each takes one piece of a request. */
  readonly #ready = new Set<() => void>();
  #scheduled = false;

  /** @param maxBody bytes */
  constructor(maxBody: number) {
    this.#maxBody = maxBody;
  }

  /**
   * The body of a request, in memory of its own.
   * @param begin is called before it is read
   * @throws RequestProblem where it is too large or not whole; why the connection ended
   */
  read(payload: IncomingMessage, begin: () => void): Promise<Buffer> {
    const { 'content-length': contentLength } = payload.headers;
    const length = contentLength === undefined ? undefined : Number(contentLength);
    if (length !== undefined && length > this.#maxBody) throw tooLarge();
    // Nothing would come any more, and no event either.
    if (payload.destroyed) throw notWhole();
    begin();
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
        const piece: unknown = payload.read();
        if (!Buffer.isBuffer(piece)) return;
        if (body.length + piece.length > this.#maxBody) fail(tooLarge());
        else body.add(piece);
      };
      const onReadable = (): void => this.#inTurn(take);
      const onEnd = (): void =>
        settle(() => {
          if (length === undefined || length === body.length) resolve(body.whole());
          else reject(notWhole());
        });
      const onError = (error: Error): void => fail(error);
      const onClose = (): void => fail(notWhole());
      payload.on('readable', onReadable).once('end', onEnd).once('error', onError).once('close', onClose);
    });
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
      this.#whole ??= Buffer.allocUnsafeSlow(this.#expected);
      piece.copy(this.#whole, this.#length);
    }
    this.#length += piece.length;
  }

  whole(): Buffer {
    return this.#whole ?? Buffer.concat(this.#pieces, this.#length);
  }
}

const tooLarge = (): RequestProblem =>
  new RequestProblem('too-large', 'The body has more bytes than are accepted; send less.');
const notWhole = (): RequestProblem =>
  new RequestProblem('bad-request', 'The body is shorter or longer than its content-length; send all of it.');
