/* Workers that a page starts, each kept: how many there are, and whether they were ended. */

export interface CountedWorkers {
  /** The newest last. */
  readonly started: readonly Worker[];
  terminated(): number;
  /** What is done while each worker's file is another one. */
  elsewhere<T>(address: string, work: () => Promise<T>): Promise<T>;
}

/** From now on. */
export function countedWorkers(): CountedWorkers {
  const started: Worker[] = [];
  const terminated = new Set<Worker>();
  let other = '';
  globalThis.Worker = class extends Worker {
    constructor(address: string | URL, options?: WorkerOptions) {
      super(other === '' ? address : other, options);
      started.push(this);
    }

    override terminate(): void {
      // One that has ended may be ended again.
      terminated.add(this);
      super.terminate();
    }
  };
  return {
    started,
    terminated: () => terminated.size,
    async elsewhere(address, work) {
      other = address;
      try {
        return await work();
      } finally {
        other = '';
      }
    },
  };
}
