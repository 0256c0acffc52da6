/** What threads share: works under way, and 1 where no more may begin. */
type Shared = Int32Array<SharedArrayBuffer>;
const [underWay, closed] = [0, 1];

/**
 * Calls of native libraries in a worker thread. Ending the thread within one ends the process (SIGABRT), so whoever ends it asks
 * here first: what is under way then ends, and nothing more begins.
 */
export class NativeWork {
  readonly shared: Shared;

  /** @param shared of the same works in another thread */
  constructor(shared: Shared = new Int32Array(new SharedArrayBuffer(8))) {
    this.shared = shared;
  }

  /** In the worker thread. Once closed, it never begins and never settles: the thread is about to end. */
  async do<T>(work: () => Promise<T>): Promise<T> {
    Atomics.add(this.shared, underWay, 1);
    // In this order here and in the other one there: one of the two sees the other.
    const isClosed = Atomics.load(this.shared, closed) === 1;
    try {
      if (!isClosed) return await work();
    } finally {
      Atomics.sub(this.shared, underWay, 1);
      Atomics.notify(this.shared, underWay);
    }
    return new Promise(() => undefined);
  }

  /**
   * In the other thread, which it blocks until what is under way has ended.
   * @returns whether it has, after so many milliseconds at most
   */
  close(patience: number): boolean {
    Atomics.store(this.shared, closed, 1);
    const end = performance.now() + patience;
    for (;;) {
      const count = Atomics.load(this.shared, underWay);
      const left = end - performance.now();
      if (count === 0 || left <= 0) return count === 0;
      Atomics.wait(this.shared, underWay, count, left);
    }
  }
}
