/** Items that come one by one, for one reader that takes them as they come. */
export class Feed<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #ended = false;
  #changed: () => void = () => undefined;

  /** Behind those that wait. Nothing once it has ended. */
  add(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#changed();
  }

  /** There are no more: the reader ends behind those that wait. */
  end(): void {
    this.#ended = true;
    this.#changed();
  }

  /** The same at once: what waits is dropped. */
  drop(): void {
    this.#items = [];
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      for (let [item] = this.#take(); item !== undefined; [item] = this.#take()) yield item.value;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  #take(): { readonly value: T }[] {
    return this.#items.splice(0, 1).map((value) => ({ value }));
  }
}
