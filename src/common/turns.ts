/** The next turn of the event loop: other work, such as answering requests, goes between. */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    // Timers of zero take a millisecond; browsers have nothing else.
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });

/** Works that are done one after the other, each in a turn of the event loop of its own. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** @throws what the work throws */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let done: () => void = () => undefined;
    this.#last = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    try {
      await nextTurn();
      return await work();
    } finally {
      done();
    }
  }
}
