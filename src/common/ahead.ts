import { whenAborted } from './signals.js';

/**
 * Work on the items of a source, begun before its results are asked for: at most `limit` items at a time are worked on or
 * finished and waiting. Results come in the order of the items.
 */
export class Ahead<T, R> {
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #limit: number;
  readonly #work: (item: T, index: number) => Promise<R>;
  readonly #signal: AbortSignal | undefined;
  readonly #queue: Promise<R>[] = [];
  #count = 0;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  /** What fills the queue, while it does. */
  #pump: Promise<void> | undefined;
  /** Tells who waits for the queue that it has changed. */
  #changed: () => void = () => undefined;
  readonly #release: () => void;

  constructor(
    source: Iterable<T> | AsyncIterable<T>,
    limit: number,
    work: (item: T, index: number) => Promise<R>,
    signal?: AbortSignal,
  ) {
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#limit = limit;
    this.#work = work;
    this.#signal = signal;
    this.#release = signal === undefined ? () => undefined : whenAborted(signal, () => this.#changed());
  }

  /**
   * The next result; undefined after the last.
   * @throws what the work on that item threw, then goes on with the next; what the source threw, and is at its end; the
   * signal's reason, also while the source lets wait.
   */
  async next(): Promise<{ readonly value: R } | undefined> {
    for (;;) {
      this.#signal?.throwIfAborted();
      this.#fill();
      if (this.#queue.length > 0 || this.#ended) break;
      await this.#change();
    }
    const first = this.#queue.shift();
    if (first !== undefined) {
      this.#fill();
      return { value: await first };
    }
    if (this.#failure === undefined) return undefined;
    const { error } = this.#failure;
    this.#failure = undefined;
    throw error;
  }

  /**
   * Whether there is nothing to do meanwhile: the source lets wait, as a camera between two frames, or the work on its next
   * item, as a server that does not answer.
   * @param patience milliseconds that count as no wait. A source that has its items at hand gives one within a turn of the
   * event loop: 0.
   */
  async isIdle({
    source = 0,
    work = 200,
  }: {
    readonly source?: number;
    readonly work?: number;
  } = {}): Promise<boolean> {
    this.#fill();
    if (this.#queue.length === 0 && !this.#ended) await within(source, this.#change());
    const [first] = this.#queue;
    return first === undefined ? !this.#ended : !(await within(work, first));
  }

  /** Takes nothing more from the source, tells it so, and waits for the work that was begun. */
  async close(): Promise<void> {
    this.#release();
    const ended = this.#ended;
    this.#ended = true;
    this.#changed();
    await Promise.allSettled(this.#queue);
    if (ended) return;
    const returned = Promise.resolve(this.#iterator.return?.());
    // A generator that waits for its next item hears of it only when that comes, which may be never.
    if (this.#pump === undefined) await returned;
    else returned.catch(() => undefined);
  }

  /** One at a time waits for it. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }

  #fill(): void {
    if (this.#pump !== undefined || this.#ended || this.#queue.length >= this.#limit) return;
    this.#pump = this.#take().finally(() => {
      this.#pump = undefined;
      this.#changed();
    });
  }

  async #take(): Promise<void> {
    try {
      while (!this.#ended && this.#queue.length < this.#limit) {
        const item = await this.#iterator.next();
        if (item.done === true || this.#ended) {
          this.#ended = true;
          return;
        }
        const result = this.#work(item.value, this.#count++);
        // Whoever takes it from the queue sees the failure; until then it is no unhandled one.
        result.catch(() => undefined);
        this.#queue.push(result);
        this.#changed();
      }
    } catch (error) {
      this.#failure = { error };
      this.#ended = true;
    }
  }
}

/** Whether something settles in so many milliseconds. */
async function within(milliseconds: number, something: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const settled = (): boolean => true;
  try {
    return await Promise.race([something.then(settled, settled), late]);
  } finally {
    clearTimeout(timer);
  }
}
