import type { Socket } from 'node:net';
import { UserError } from '../../common/errors.js';

/** Bytes that may wait to be read: a peer sends only what is due. */
const mostQueued = 2 ** 22;

interface Waiting {
  readonly into: Uint8Array;
  at: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Another rank at the end of a socket. Messages have the length that both sides know before; each begins with it, so that ranks that
 * have got out of step notice.
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
    const prefix = new Uint8Array(4);
    await this.#read(prefix);
    const length = new DataView(prefix.buffer).getUint32(0, true);
    if (length !== into.length) {
      this.#socket.destroy();
      throw new Error(`rank ${this.#rank} sent ${length} bytes where ${into.length} were due`);
    }
    await this.#read(into);
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
      `Rank ${this.#rank} ended unexpectedly: it was killed, or memory ran out; go on from the state that was saved last.`,
      'resources',
      { settings: ['resume'] },
    );
  }
}
