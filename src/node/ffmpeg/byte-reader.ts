/** Takes as many bytes at a time as are wanted from bytes as they come. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Undefined where fewer come. Memory is taken as they come, not for what is only announced. */
  async read(count: number): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    return (await this.#take(count, (part) => parts.push(part))) ? Buffer.concat(parts) : undefined;
  }

  /** @returns false where fewer come */
  skip(count: number): Promise<boolean> {
    return this.#take(count, () => undefined);
  }

  /** Nothing more is wanted. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #take(count: number, put: (part: Uint8Array) => void): Promise<boolean> {
    for (let missing = count; missing > 0; ) {
      if (this.#held.length === 0) {
        const { done, value } = await this.#source.next();
        if (done === true) return false;
        this.#held = value;
      }
      const part = this.#held.subarray(0, missing);
      this.#held = this.#held.subarray(part.length);
      missing -= part.length;
      put(part);
    }
    return true;
  }
}
