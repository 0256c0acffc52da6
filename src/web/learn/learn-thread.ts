import { UserError } from '../../common/errors.js';
import { errorOf } from '../../common/sent-errors.js';
import type { LearnOptions } from '../../learn/index.js';
import { afterDisposal } from '../../runtime/after-disposal.js';
import { runtimeFolder } from '../host/onnxruntime.js';
import type { LearnerFacts, LearnReply, LearnRequest } from './messages.js';
import { sentOptions } from './sent-options.js';

type Answer = Exclude<LearnReply, { readonly type: 'error' }>;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** A worker with a learner. It answers in the order in which it is asked. */
export class LearnThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #ended: UserError | undefined;

  private constructor() {
    // Bundlers know workers by this form.
    this.#worker = new Worker(new URL('./learn-worker.js', import.meta.url), { type: 'module' });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<LearnReply>) => {
      const waiting = this.#waiting.shift();
      if (data.type === 'error') waiting?.reject(errorOf(data.error));
      else waiting?.resolve(data);
    });
    this.#worker.addEventListener('error', ({ message }) => {
      // Of a worker whose file is not there, browsers say nothing.
      const reason = message === undefined || message === '' ? 'its program cannot be loaded' : message;
      this.#end(
        new UserError(
          `The worker that learns has ended (${reason}); what was learned until then is there. Begin again, or learn with worker: false.`,
          'resources',
        ),
      );
    });
  }

  /** @throws UserError as `Learner.create` does */
  static async start(given: LearnOptions): Promise<{ readonly thread: LearnThread; readonly facts: LearnerFacts }> {
    const options = await sentOptions(given);
    const thread = new LearnThread();
    try {
      const answer = await thread.ask({ type: 'create', options, wasmPaths: runtimeFolder() });
      if (answer.type !== 'created') throw new Error('a worker that made no learner');
      return { thread, facts: answer.facts };
    } catch (error) {
      thread.dispose();
      throw error;
    }
  }

  /** @throws what is thrown in the worker; UserError (`resources`) where it has ended, (`usage`) after `dispose` */
  async ask(request: Exclude<LearnRequest, { readonly type: 'abort' }>): Promise<Answer> {
    if (this.#ended !== undefined) throw this.#ended;
    return new Promise((resolve, reject) => {
      this.#post(request);
      this.#waiting.push({ resolve, reject });
    });
  }

  abort(): void {
    if (this.#ended === undefined) this.#post({ type: 'abort' });
  }

  /** Leaves a training that is under way; of a worker that has ended there is none. */
  async leave(): Promise<void> {
    if (this.#ended === undefined) await this.ask({ type: 'leave' }).catch(() => undefined);
  }

  dispose(): void {
    this.#end(afterDisposal());
  }

  #post(request: LearnRequest): void {
    this.#worker.postMessage(request);
  }

  #end(reason: UserError): void {
    this.#ended ??= reason;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}
