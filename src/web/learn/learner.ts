import { UserError } from '../../common/errors.js';
import type { LabelSet } from '../../common/labels.js';
import { whenAborted } from '../../common/signals.js';
import type { LearnEpoch, Learned, Learner as LearnerHere, LearnOptions } from '../../learn/index.js';
import { LearnThread } from './learn-thread.js';
import type { LearnerFacts, SentBest } from './messages.js';

export interface WebLearnOptions extends LearnOptions {
  /**
   * Learning runs in a worker of its own, so that the page is never blocked (default true in a page; in a worker false). Pictures
   * are pixels, files, bytes or addresses then, no elements of the page.
   */
  readonly worker?: boolean;
}

/** What trains: a learner of this thread, or one in a worker. */
type Engine = Pick<LearnerHere, 'labels' | 'counts' | 'train' | 'best' | 'dispose'>;

/**
 * Teaches a network classes of one's own from few face crops, in a worker of its own.
 *
 *     const learner = await Learner.create({ crops });
 *     for await (const { epoch, accuracy } of learner.train()) console.log(epoch, accuracy);
 *     const { checkpoint, evaluation } = learner.best();
 *     await learner.dispose();
 *
 * The head and the network's last blocks are trained; rows of the head that belong to expressions of the same name are taken
 * over. The best epoch is the one with the most crops held out right, then with the least
 * cross-entropy on them.
 */
export class Learner {
  readonly #engine: Engine;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * @throws UserError where the classes cannot be learned (one alone, one with fewer than two crops), where a number cannot be, where
   * weights or a crop cannot be read, or the device is not there.
   */
  static async create(options: WebLearnOptions): Promise<Learner> {
    const { worker = typeof document !== 'undefined', ...own } = options;
    if (worker) return new Learner(await WorkerLearner.start(own));
    // Of no use to a page whose learner has a worker.
    const here = await import('../../learn/index.js');
    return new Learner(await here.Learner.create(own));
  }

  /** The classes in index order. */
  get labels(): LabelSet {
    return this.#engine.labels;
  }

  /** How many crops train, and how many are held out. */
  get counts(): { readonly training: number; readonly heldOut: number } {
    return this.#engine.counts;
  }

  /**
   * Trains, and tells where it is before the first epoch and after each. Leaving the loop ends it, and a later call goes on with
   * the next epoch.
   * @param options.signal ends it between two updates, by throwing the signal's reason; `best` is there all the same, and a later
   * call goes on with the next update
   * @throws UserError (kind `diverged`) where the loss is not finite; (kind `resources`) where the worker ends; (kind `usage`)
   * after `dispose`
   */
  train(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<LearnEpoch, void, undefined> {
    return this.#engine.train(options);
  }

  /**
   * The best weights so far. Training does not change the arrays.
   * @throws UserError (kind `usage`) before `train` has told anything.
   */
  best(): Learned {
    return this.#engine.best();
  }

  /** Ends the worker and frees its memory; what `best` gave stays. Safe to call again. */
  dispose(): Promise<void> {
    return this.#engine.dispose();
  }
}

/** A learner in a worker. What it learned is here: it stays when the worker ends. */
class WorkerLearner implements Engine {
  readonly #thread: LearnThread;
  readonly #facts: LearnerFacts;
  readonly #history: LearnEpoch[] = [];
  #best: SentBest | undefined;
  #isTraining = false;

  private constructor(thread: LearnThread, facts: LearnerFacts) {
    this.#thread = thread;
    this.#facts = facts;
  }

  static async start(options: LearnOptions): Promise<WorkerLearner> {
    const { thread, facts } = await LearnThread.start(options);
    return new WorkerLearner(thread, facts);
  }

  get labels(): LabelSet {
    return this.#facts.labels;
  }

  get counts(): LearnerFacts['counts'] {
    return this.#facts.counts;
  }

  async *train({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<LearnEpoch, void, undefined> {
    signal?.throwIfAborted();
    if (this.#isTraining) {
      throw new UserError('This learner trains; leave its loop before another `train` begins.', 'usage');
    }
    this.#isTraining = true;
    const release = signal === undefined ? undefined : whenAborted(signal, () => this.#thread.abort());
    try {
      while (true) {
        const reply = await this.#thread.ask({ type: 'next' });
        if (reply.type === 'stopped') signal?.throwIfAborted();
        if (reply.type !== 'epoch') return;
        const { epoch, best } = reply;
        this.#history.push(epoch);
        if (best !== undefined) this.#best = best;
        yield epoch;
      }
    } finally {
      release?.();
      await this.#thread.leave();
      this.#isTraining = false;
    }
  }

  best(): Learned {
    if (this.#best !== undefined) return { ...this.#best, history: [...this.#history] };
    throw new UserError('Nothing is learned yet; begin to train first.', 'usage');
  }

  async dispose(): Promise<void> {
    this.#thread.dispose();
  }
}
