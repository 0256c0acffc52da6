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
  let [terminated, other] = [0, ''];
  globalThis.Worker = class extends Worker {
    constructor(address: string | URL, options?: WorkerOptions) {
      super(other === '' ? address : other, options);
      started.push(this);
    }

    override terminate(): void {
      terminated++;
      super.terminate();
    }
  };
  return {
    started,
    terminated: () => terminated,
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
