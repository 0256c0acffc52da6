import type { Parcel, Transferred } from '../common/parcel.js';
import type { SentItem } from './messages.js';

/** Bytes of items that were sent and are not taken yet. */
const maxHeldBytes = 64 * 1024 * 1024;

/** What the pump sends to. */
export interface PumpTarget {
  send(item: SentItem, transfer: readonly Transferred[]): void;
  end(failed: boolean): void;
}

/** Sends the items of a source to another thread as it takes them, and some ahead, so that it need not wait for each. */
export class ItemPump<T> {
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #pack: (item: T) => Promise<Parcel<SentItem>>;
  readonly #ahead: number;
  /** Bytes of each item that was sent ahead. */
  readonly #held: number[] = [];
  /** Items that are asked for and were not sent yet. */
  #wanted = 0;
  #reading = false;
  #ended = false;
  #failure: unknown;
  #wake: () => void = () => undefined;

  /** @param ahead items that are sent before they are asked for, at most */
  constructor(source: Iterable<T> | AsyncIterable<T>, pack: (item: T) => Promise<Parcel<SentItem>>, ahead: number) {
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#pack = pack;
    this.#ahead = ahead;
  }

  /** What the source threw, or packing or sending an item of it. */
  get failure(): unknown {
    return this.#failure;
  }

  /** The other thread takes one item more. */
  want(): void {
    if (this.#held.shift() === undefined) this.#wanted++;
    this.#wake();
  }

  /** Until the source is at its end, or the pump is closed. Never throws. */
  async run(target: PumpTarget): Promise<void> {
    try {
      while (!this.#ended) {
        if (!this.#maySend()) {
          await this.#change();
          continue;
        }
        const item = await this.#read();
        if (item === undefined) break;
        try {
          await this.#send(item.value, target);
        } catch (error) {
          // The source did not throw it, so it does not know.
          await this.close().catch(() => undefined);
          throw error;
        }
      }
      target.end(false);
    } catch (error) {
      this.#failure = error;
      this.#ended = true;
      target.end(true);
    }
  }

  async #send(item: T, target: PumpTarget): Promise<void> {
    const { content, transfer, bytes } = await this.#pack(item);
    if (this.#ended) return;
    if (this.#wanted > 0) this.#wanted--;
    else this.#held.push(bytes);
    target.send(content, transfer);
  }

  /** Reads nothing more, and tells the source so. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#wake();
    const returned = Promise.resolve(this.#iterator.return?.());
    // A generator that waits for its next item hears of it only when that comes, which may be never.
    if (this.#reading) returned.catch(() => undefined);
    else await returned;
  }

  #maySend(): boolean {
    if (this.#wanted > 0) return true;
    const bytes = this.#held.reduce((a, b) => a + b, 0);
    return this.#held.length < this.#ahead && bytes < maxHeldBytes;
  }

  async #read(): Promise<{ readonly value: T } | undefined> {
    this.#reading = true;
    try {
      const item = await this.#iterator.next();
      if (item.done !== true) return this.#ended ? undefined : item;
      this.#ended = true;
      return undefined;
    } finally {
      this.#reading = false;
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
