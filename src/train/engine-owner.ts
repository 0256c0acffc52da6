import { UserError } from '../common/errors.js';
import type { Engine } from './engine.js';

/** An engine with the calls that use it: one at a time, and none after it is disposed of. */
export class EngineOwner {
  #engine: Engine | undefined;
  #isInUse = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @throws UserError (kind `usage`) after `dispose` */
  get engine(): Engine {
    if (this.#engine !== undefined) return this.#engine;
    throw disposed();
  }

  /**
   * @throws UserError (kind `usage`) once it is disposed of, and while another call is under way, which would work on the same
   * weights and gradients
   */
  async use<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    const { engine } = this;
    if (this.#isInUse) {
      throw new UserError('A trainer does one thing at a time; await the call that is under way first.', 'usage');
    }
    this.#isInUse = true;
    try {
      return await work(engine);
    } catch (error) {
      throw this.#engine === undefined ? disposed(error) : error;
    } finally {
      this.#isInUse = false;
    }
  }

  /** Does not wait for the call under way: it may wait for another trainer. Safe to call again. */
  async dispose(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await engine?.dispose();
  }
}

const disposed = (cause?: unknown): UserError =>
  new UserError('This trainer has been disposed of; create another one.', 'usage', { cause });
