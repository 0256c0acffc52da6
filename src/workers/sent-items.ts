/** Items that come as messages, as an async iterable that says when it takes one more. */
export class SentItems<T> implements AsyncIterableIterator<T, void, void> {
  readonly #want: () => void;
  readonly #items: T[] = [];
  #end: { readonly failed: boolean } | undefined;
  #wake: (() => void) | undefined;
  /** What is thrown where the source of the items threw: it stays in its own thread. */
  readonly failure = new Error('The source of the items failed.');

  /** @param want is called for each item that is asked for */
  constructor(want: () => void) {
    this.#want = want;
  }

  add(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  end(failed: boolean): void {
    this.#end ??= { failed };
    this.#wake?.();
  }

  /** One at a time asks. */
  async next(): Promise<IteratorResult<T, void>> {
    this.#want();
    while (this.#items.length === 0 && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const [first] = this.#items.splice(0, 1);
    if (first !== undefined) return { done: false, value: first };
    if (this.#end?.failed === true) {
      this.#end = { failed: false };
      throw this.failure;
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<T, void>> {
    this.end(false);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
