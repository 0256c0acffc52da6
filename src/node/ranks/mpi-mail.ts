import { UserError } from '../../common/errors.js';
import type { MpiLibrary, SentMessage } from './mpi-library.js';
import { longestMessage } from './transport.js';

/** Milliseconds between two looks at what has come: soon after something has, later while nothing does. */
const [soon, later] = [1, 5];
/** Looks in vain after which it is later. */
const patience = 20;

interface Outgoing {
  readonly messages: readonly SentMessage[];
  /** Held until they are sent. */
  readonly buffers: readonly Uint8Array[];
}

interface Wanted {
  readonly from: number;
  readonly receive: (bytes: Uint8Array) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Messages from one rank to another, for the thread of MPI. No call of it waits: what waits in MPI takes a core, and here ranks wait as long
 * as others compute. A message is its length and its bytes.
 */
export class MpiMail {
  readonly #mpi: MpiLibrary;
  #outgoing: readonly Outgoing[] = [];
  #wanted: readonly Wanted[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #inVain = 0;

  constructor(mpi: MpiLibrary) {
    this.#mpi = mpi;
  }

  send(to: number, bytes: Uint8Array): void {
    const length = new Uint8Array(new ArrayBuffer(4));
    new DataView(length.buffer).setUint32(0, bytes.length, true);
    const buffers = bytes.length === 0 ? [length] : [length, bytes];
    const messages = buffers.map((buffer) => this.#mpi.send(to, buffer));
    this.#outgoing = [...this.#outgoing, { buffers, messages }];
    this.#pollSoon();
  }

  receive(from: number): Promise<Uint8Array> {
    return new Promise((receive, fail) => {
      this.#wanted = [...this.#wanted, { from, receive, fail }];
      this.#pollSoon();
    });
  }

  /** Waits for what is under way. */
  flush(): void {
    while (this.#outgoing.length > 0) this.#clear();
    clearTimeout(this.#timer);
  }

  #pollSoon(): void {
    this.#inVain = 0;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#poll(), soon);
  }

  #poll(): void {
    this.#timer = undefined;
    const before = this.#outgoing.length + this.#wanted.length;
    this.#clear();
    this.#wanted = this.#wanted.filter((one) => !this.#taken(one));
    const after = this.#outgoing.length + this.#wanted.length;
    this.#inVain = after < before ? 0 : this.#inVain + 1;
    if (after > 0) this.#timer ??= setTimeout(() => this.#poll(), this.#inVain < patience ? soon : later);
  }

  #clear(): void {
    this.#outgoing = this.#outgoing.filter(({ messages }) => !messages.every((message) => message.isSent()));
  }

  #taken({ from, receive, fail }: Wanted): boolean {
    try {
      if (!this.#mpi.isThere(from)) return false;
      const prefix = new Uint8Array(new ArrayBuffer(4));
      this.#mpi.receive(from, prefix);
      const length = new DataView(prefix.buffer).getUint32(0, true);
      if (length > longestMessage) throw new UserError(`Rank ${from} sends ${length} bytes at once.`, 'resources');
      const bytes = new Uint8Array(new ArrayBuffer(length));
      if (length > 0) this.#mpi.receive(from, bytes);
      receive(bytes);
    } catch (error) {
      fail(error);
    }
    return true;
  }
}
