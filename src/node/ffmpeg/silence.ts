/** Notices where a program that is waited for says nothing for too long. */
export class Silence {
  readonly #milliseconds: number;
  readonly #onSilence: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onSilence is called once, after so many milliseconds of waiting in which nothing was heard */
  constructor(milliseconds: number, onSilence: () => void) {
    this.#milliseconds = milliseconds;
    this.#onSilence = onSilence;
  }

  /** A sign of life. */
  heard(): void {
    this.#timer?.refresh();
  }

  /** The items of a source. Between them, while nobody waits for the next, silence does not count. */
  async *during<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, void> {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        this.#timer = setTimeout(this.#onSilence, this.#milliseconds);
        const { done, value } = await iterator.next().finally(() => this.#rest());
        if (done === true) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
