import { Worker } from 'node:worker_threads';
import { errorOf } from '../../common/sent-errors.js';
import { whenAborted } from '../../common/signals.js';
import { threadProgram } from '../files/package-files.js';
import { type About, type BodyJobName, type BroughtBy, quickBytes } from './body-jobs.js';
import { type BodyReply, type BodyRequest, type BodyRequestOf, doJob, ownMemory } from './body-worker.js';
import { RequestProblem } from './problem.js';

interface Asked {
  readonly request: BodyRequest;
  readonly resolve: (brought: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads bodies: small ones at once, large ones in a thread, so that no body holds up the answers to others. */
export class BodyReader {
  /**
   * Those that the thread has not got yet. It gets one at a time: what nobody waits for any more leaves the queue, and its memory is
   * free.
   */
  readonly #queue = new Set<Asked>();
  #current: Asked | undefined;
  #worker: Worker | undefined;
  #next = 0;
  #isDisposed = false;

  /**
   * Does a job of `bodyJobs`. A body that is large is gone afterwards.
   * @throws RequestProblem; the signal's reason
   */
  async read<K extends BodyJobName>(
    job: K,
    body: Uint8Array,
    about: About<K>,
    signal: AbortSignal,
  ): Promise<BroughtBy<K>> {
    signal.throwIfAborted();
    if (body.length <= quickBytes[job]) return doJob({ job, body, about });
    let release: () => void = () => undefined;
    try {
      return await new Promise<BroughtBy<K>>((resolve, reject) => {
        const request: BodyRequestOf<K> = { id: this.#next++, job, body, about };
        const asked: Asked = {
          request: request as BodyRequest,
          // The thread does the job that it is asked for.
          resolve: (brought) => resolve(brought as BroughtBy<K>),
          reject,
        };
        this.#queue.add(asked);
        release = whenAborted(signal, () => {
          this.#queue.delete(asked);
          reject(signal.reason);
        });
        this.#sendNext();
      });
    } finally {
      release();
    }
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const { reject } of this.#queue) reject(hasEnded());
    this.#queue.clear();
    await this.#worker?.terminate();
  }

  #sendNext(): void {
    if (this.#current !== undefined || this.#isDisposed) return;
    const [next] = this.#queue;
    if (next === undefined) {
      this.#worker?.unref();
      return;
    }
    this.#queue.delete(next);
    this.#current = next;
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage(next.request, ownMemory(next.request.body));
  }

  #start(): Worker {
    const worker = new Worker(threadProgram('dist/src/node/serve/body-worker.js'), { execArgv: [] });
    worker.on('message', (reply: BodyReply) => {
      const asked = this.#current;
      if (asked?.request.id !== reply.id) return;
      this.#current = undefined;
      if ('brought' in reply) asked.resolve(reply.brought);
      else if ('problem' in reply) asked.reject(new RequestProblem(reply.problem.problem, reply.problem.message));
      else asked.reject(errorOf(reply.error));
      this.#sendNext();
    });
    // Such as out of memory: the next body starts another one.
    const end = (): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#current?.reject(hasEnded());
      this.#current = undefined;
      this.#sendNext();
    };
    worker.on('error', end);
    worker.on('exit', end);
    return worker;
  }
}

const hasEnded = (): RequestProblem =>
  new RequestProblem('interrupted', 'The thread that reads bodies has ended; send the request again.', {
    retryAfter: 1,
  });
