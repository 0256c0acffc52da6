const waiting: (() => void)[] = [];
let send: (() => void) | undefined;

/** Messages come at once, also in tabs behind others, where timers wait for a second. */
function turnsByMessages(): () => void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => waiting.shift()?.();
  return () => port2.postMessage(undefined);
}

/** The next turn of the event loop: other work, such as answering requests, goes between. */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    waiting.push(resolve);
    send ??= turnsByMessages();
    send();
  });

/** Work in many small pieces, of whatever loops: between them others have their turn, each time so many milliseconds are over. */
export class Pace {
  readonly #share: number;
  #until: number;

  /** @param share milliseconds of a turn */
  constructor(share: number) {
    this.#share = share;
    this.#until = performance.now() + share;
  }

  /** Before a piece. */
  async step(): Promise<void> {
    if (performance.now() < this.#until) return;
    await nextTurn();
    this.#until = performance.now() + this.#share;
  }
}

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
