import { whenAborted } from '../../common/signals.js';
import { RequestProblem } from './problem.js';

export interface AdmissionLimits {
  /** Requests that are worked on at a time. */
  readonly concurrency: number;
  /** Pictures of requests that wait for that. */
  readonly maxQueue: number;
  /** Seconds that a request may take in all: who would wait longer is turned away at once. */
  readonly deadline: number;
}

interface Waiting {
  readonly pictures: number;
  readonly begin: () => void;
}

/**
 * Who may have work done. A bounded number of requests is in hand, so that their faces share runs of the network and the memory of
 * decoded pictures stays bounded; a bounded number of pictures waits; the rest is turned away at once.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #queue = new Set<Waiting>();
  #inHand = 0;
  #waiting = 0;
  /** Seconds that a picture takes, of late. */
  #pace = 0.1;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Requests that are worked on. */
  get inHand(): number {
    return this.#inHand;
  }

  /** Pictures that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** @throws RequestProblem where so many pictures would be turned away now */
  check(pictures = 1): void {
    const { concurrency, maxQueue, deadline } = this.#limits;
    if (this.#inHand < concurrency) return;
    if (this.#waiting + pictures <= maxQueue && this.#waiting * this.#pace < deadline) return;
    throw new RequestProblem('overloaded', 'More pictures wait than are accepted; ask again later.', {
      retryAfter: this.#seconds(),
    });
  }

  /**
   * Does work in its turn.
   * @param onBegin is called with the seconds that it waited
   * @throws RequestProblem where too much waits; the signal's reason where it is aborted before the work begins; what the work throws
   */
  async run<T>(
    pictures: number,
    signal: AbortSignal,
    work: () => Promise<T>,
    onBegin: (seconds: number) => void = () => undefined,
  ): Promise<T> {
    signal.throwIfAborted();
    this.check(pictures);
    const asked = performance.now();
    await this.#turn(pictures, signal);
    const begun = performance.now();
    onBegin((begun - asked) / 1000);
    try {
      return await work();
    } finally {
      const seconds = (performance.now() - begun) / 1000;
      // Those in hand share the machine.
      this.#pace += 0.1 * (seconds / Math.max(1, pictures) / this.#inHand - this.#pace);
      this.#end();
    }
  }

  async #turn(pictures: number, signal: AbortSignal): Promise<void> {
    if (this.#inHand < this.#limits.concurrency) {
      this.#inHand++;
      return;
    }
    let release: () => void = () => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const one: Waiting = { pictures, begin: resolve };
        this.#queue.add(one);
        this.#waiting += pictures;
        release = whenAborted(signal, () => {
          if (!this.#forget(one)) return;
          reject(signal.reason);
        });
      });
    } finally {
      release();
    }
  }

  #end(): void {
    const [next] = this.#queue;
    if (next === undefined) this.#inHand--;
    else {
      // Its place is handed on.
      this.#forget(next);
      next.begin();
    }
  }

  #forget(one: Waiting): boolean {
    if (!this.#queue.delete(one)) return false;
    this.#waiting -= one.pictures;
    return true;
  }

  /** Until what waits has been worked off, about. */
  #seconds(): number {
    return Math.min(60, Math.max(1, Math.ceil(this.#waiting * this.#pace)));
  }
}
