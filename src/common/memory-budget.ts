import { whenAborted } from './signals.js';
import { nextTurn } from './turns.js';

/** Memory that was granted. */
export interface Lease {
  readonly bytes: number;
  /** Gives it back; again does nothing. */
  release(): void;
}

export interface LeaseOptions {
  readonly signal?: AbortSignal;
  /**
   * Whether somebody waits for the work now (default: always). Work that is done ahead of need gets half of the budget at most,
   * since its result may wait for any time.
   */
  readonly urgent?: () => boolean;
}

interface Waiting {
  readonly bytes: number;
  readonly urgent: () => boolean;
  readonly grant: (lease: Lease) => void;
}

/** What threads that share a budget pass on: KiB in use, and how many urgent leases there are. */
export type SharedBudget = Int32Array;

/** Milliseconds after which another thread's releases are noticed. */
const pollEvery = 10;

/**
 * A number of bytes that works of a process share. Each waits until there is room for it, in the order of asking. An urgent work
 * never waits for one that is not: where no urgent work is under way one may go beyond the budget. So two of which one waits for
 * the other never wait for each other's memory.
 */
export class MemoryBudget {
  readonly total: number;
  readonly shared: SharedBudget;
  readonly #account: SharedBudget | undefined;
  readonly #waiting = new Set<Waiting>();
  #scheduled = false;
  #polling = false;

  /**
   * Pages of browsers that are not isolated from other origins have no shared memory: each of their threads counts for itself.
   * @param total bytes
   * @param shared of the same budget in another thread
   * @param account what this thread holds of it, for `forgive`
   */
  constructor(total: number, shared: SharedBudget = emptyBudget(), account?: SharedBudget) {
    this.total = total;
    this.shared = shared;
    this.#account = account;
  }

  /** Bytes that are leased, in all threads. */
  get used(): number {
    return Atomics.load(this.shared, 0) * 1024;
  }

  /** @throws the signal's reason */
  async acquire(bytes: number, { signal, urgent = () => true }: LeaseOptions = {}): Promise<Lease> {
    signal?.throwIfAborted();
    if (this.#waiting.size === 0) {
      const lease = this.#tryNow(bytes, urgent());
      if (lease !== undefined) return lease;
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        bytes,
        urgent,
        grant: (lease) => {
          forget();
          resolve(lease);
        },
      };
      const forget =
        signal === undefined
          ? () => undefined
          : whenAborted(signal, () => {
              this.#waiting.delete(waiting);
              this.reconsider();
              reject(signal.reason);
            });
      this.#waiting.add(waiting);
      this.reconsider();
      if (!this.#polling) this.#poll();
    });
  }

  /**
   * For what is there already: counts at once, also beyond the budget.
   * @param urgent false for what may wait for any time until it is used
   */
  hold(bytes: number, urgent: boolean): Lease {
    this.#count(kibibytes(bytes), urgent ? 1 : 0);
    return this.#lease(bytes, urgent);
  }

  #count(size: number, urgent: number): void {
    for (const counted of [this.shared, this.#account]) {
      if (counted === undefined) continue;
      Atomics.add(counted, 0, size);
      Atomics.add(counted, 1, urgent);
    }
  }

  /** Takes back what a thread of this account held when it ended: it gives nothing back any more. */
  forgive(account: SharedBudget): void {
    for (const i of [0, 1]) Atomics.sub(this.shared, i, Atomics.exchange(account, i, 0));
    this.reconsider();
  }

  /** To be called when work has become urgent. */
  reconsider(): void {
    if (this.#waiting.size === 0 || this.#scheduled) return;
    this.#scheduled = true;
    // Not at once: what was released may be held again, by who got the result.
    void nextTurn().then(() => {
      this.#scheduled = false;
      this.#grant();
    });
  }

  #poll(): void {
    this.#polling = true;
    setTimeout(() => {
      this.#polling = false;
      this.#grant();
      if (this.#waiting.size > 0) this.#poll();
    }, pollEvery);
  }

  #grant(): void {
    let aheadWaits = false;
    for (const waiting of this.#waiting) {
      const urgent = waiting.urgent();
      if (!urgent && aheadWaits) continue;
      const lease = this.#tryNow(waiting.bytes, urgent);
      if (lease !== undefined) {
        this.#waiting.delete(waiting);
        waiting.grant(lease);
      } else if (urgent) {
        // A large one would wait for ever if small ones went before it.
        return;
      } else {
        aheadWaits = true;
      }
    }
  }

  #tryNow(bytes: number, urgent: boolean): Lease | undefined {
    const size = kibibytes(bytes);
    const after = Atomics.add(this.shared, 0, size) + size;
    const fits = after * 1024 <= (urgent ? this.total : this.total / 2);
    if (fits && urgent) Atomics.add(this.shared, 1, 1);
    // The only urgent work may go beyond the budget.
    if (!fits && !(urgent && Atomics.compareExchange(this.shared, 1, 0, 1) === 0)) {
      Atomics.sub(this.shared, 0, size);
      return undefined;
    }
    if (this.#account !== undefined) {
      Atomics.add(this.#account, 0, size);
      Atomics.add(this.#account, 1, urgent ? 1 : 0);
    }
    return this.#lease(bytes, urgent);
  }

  /** Of what was counted. */
  #lease(bytes: number, urgent: boolean): Lease {
    let released = false;
    return {
      bytes,
      release: () => {
        if (released) return;
        released = true;
        this.#count(-kibibytes(bytes), urgent ? -1 : 0);
        this.reconsider();
      },
    };
  }
}

/** Of a budget, or of what one thread holds of it. */
export const emptyBudget = (): SharedBudget =>
  new Int32Array(typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(8) : new SharedArrayBuffer(8));

const kibibytes = (bytes: number): number => Math.ceil(bytes / 1024);
