import type { Socket } from 'node:net';
import { UserError } from '../../common/errors.js';
import { longestMessage } from './transport.js';

/** Bytes that may wait to be read: a peer sends only what is due. */
const mostQueued = 2 ** 22;

interface Waiting {
  readonly into: Uint8Array;
  at: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Another rank at the end of a socket. Each message begins with its length, so that ranks that have got out of step
 * notice.
 */
export class Peer {
  readonly #socket: Socket;
  readonly #rank: number;
  readonly #queue: Uint8Array[] = [];
  #queued = 0;
  #waiting: Waiting | undefined;
  #lost: Error | undefined;
  #closed = false;

  constructor(socket: Socket, rank: number) {
    this.#socket = socket;
    this.#rank = rank;
    socket.setNoDelay();
    socket.on('data', (chunk: Uint8Array) => this.#take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#lose());
    socket.resume();
  }

  /** Resolves once the bytes may be changed. @throws UserError where the rank has gone */
  send(bytes: Uint8Array): Promise<void> {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, bytes.length, true);
    this.#socket.write(length);
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error == null) resolve();
        else reject(this.#gone());
      });
    });
  }

  /** Fills an array with the next message. @throws UserError where the rank has gone; Error for a message of another length */
  async receive(into: Uint8Array): Promise<void> {
    const length = await this.#length();
    if (length !== into.length) throw this.#outOfStep(length, `${into.length}`);
    await this.#read(into);
  }

  /** The next message, whatever its length. @throws UserError where the rank has gone */
  async receiveAny(): Promise<Uint8Array> {
    const length = await this.#length();
    if (length > longestMessage) throw this.#outOfStep(length, `at most ${longestMessage}`);
    const bytes = new Uint8Array(length);
    await this.#read(bytes);
    return bytes;
  }

  async #length(): Promise<number> {
    const prefix = new Uint8Array(4);
    await this.#read(prefix);
    return new DataView(prefix.buffer).getUint32(0, true);
  }

  #outOfStep(length: number, due: string): Error {
    this.#socket.destroy();
    return new Error(`rank ${this.#rank} sent ${length} bytes where ${due} were due`);
  }

  /** Nothing more is sent; resolves once the other side has done the same. */
  close(): Promise<void> {
    this.#closed = true;
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve();
      else {
        this.#socket.once('close', () => resolve());
        this.#socket.end();
        this.#socket.resume();
      }
    });
  }

  #read(into: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting !== undefined) throw new Error('one message is received at a time');
      this.#waiting = { into, at: 0, resolve, reject };
      this.#socket.resume();
      this.#pump();
    });
  }

  #take(chunk: Uint8Array): void {
    this.#queue.push(chunk);
    this.#queued += chunk.length;
    this.#pump();
    if (this.#queued > mostQueued && !this.#closed) this.#socket.pause();
  }

  #pump(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    while (waiting.at < waiting.into.length) {
      const chunk = this.#queue.shift();
      if (chunk === undefined) break;
      const taken = chunk.subarray(0, waiting.into.length - waiting.at);
      waiting.into.set(taken, waiting.at);
      waiting.at += taken.length;
      this.#queued -= taken.length;
      if (taken.length < chunk.length) this.#queue.unshift(chunk.subarray(taken.length));
    }
    if (waiting.at === waiting.into.length) {
      this.#waiting = undefined;
      waiting.resolve();
    } else if (this.#lost !== undefined) {
      this.#waiting = undefined;
      waiting.reject(this.#lost);
    }
  }

  #lose(): void {
    this.#lost ??= this.#gone();
    this.#pump();
  }

  #gone(): Error {
    return new UserError(
      `Rank ${this.#rank} ended unexpectedly: it was killed, or memory ran out; resume from the state that was saved last.`,
      'resources',
      { settings: ['resume'] },
    );
  }
}
