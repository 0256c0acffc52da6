import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { errorOf } from '../../common/sent-errors.js';
import type { LearnOptions } from '../../learn/index.js';
import { afterDisposal } from '../../runtime/after-disposal.js';
import { runtimeFolder } from '../host/onnxruntime.js';
import { startWorker, type WorkerProgram, workerNotStarted } from '../host/start-worker.js';
import type { LearnerFacts, LearnReply, LearnRequest } from './messages.js';
import { sentOptions } from './sent-options.js';

type Answer = Exclude<LearnReply, { readonly type: 'error' }>;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

const program: WorkerProgram = { does: 'learns', file: 'learn-worker.js', otherwise: 'learn with worker: false' };

/** A worker with a learner. It answers in the order in which it is asked. */
export class LearnThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #hasAnswered = false;
  #ended: UserError | undefined;

  private constructor() {
    this.#worker = startWorker(
      () => new Worker(new URL('./learn-worker.js', import.meta.url), { type: 'module' }),
      program,
    );
    this.#worker.addEventListener('message', ({ data }: MessageEvent<LearnReply>) => {
      this.#hasAnswered = true;
      const waiting = this.#waiting.shift();
      if (data.type === 'error') waiting?.reject(errorOf(data.error));
      else waiting?.resolve(data);
    });
    // Whoever waits for what cannot be read would wait for ever.
    this.#worker.addEventListener('messageerror', () => this.#end(learningEnded('a message could not be read')));
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.#end(this.#hasAnswered ? learningEnded(event.message) : workerNotStarted(program, event.message));
    });
  }

  /** @throws UserError as `Learner.create` does, and (`resources`) where the worker does not start */
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

const learningEnded = (message: string): UserError =>
  new UserError(
    `The worker that learns has ended (${printable(message)}); what was learned until then is there. Begin again, or learn with worker: false.`,
    'resources',
  );
