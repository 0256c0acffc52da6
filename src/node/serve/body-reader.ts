import { Worker } from 'node:worker_threads';
import { errorOf } from '../../common/sent-errors.js';
import { whenAborted } from '../../common/signals.js';
import { threadProgram } from '../files/package-files.js';
import { type About, type BodyJobName, type BroughtBy, quickBytes } from './body-jobs.js';
import { type BodyReply, type BodyRequestOf, doJob, ownMemory } from './body-worker.js';
import { RequestProblem } from './problem.js';

interface Waiting {
  readonly resolve: (brought: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads bodies: small ones at once, large ones in a thread, so that no body holds up the answers to others. */
export class BodyReader {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #next = 0;

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
    const id = this.#next++;
    let release: () => void = () => undefined;
    try {
      return await new Promise<BroughtBy<K>>((resolve, reject) => {
        // The thread does the job that it is asked for.
        this.#waiting.set(id, { resolve: (brought) => resolve(brought as BroughtBy<K>), reject });
        release = whenAborted(signal, () => reject(signal.reason));
        this.#worker ??= this.#start();
        this.#worker.ref();
        const request: BodyRequestOf<K> = { id, job, body, about };
        this.#worker.postMessage(request, ownMemory(body));
      });
    } finally {
      release();
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#worker?.unref();
    }
  }

  async dispose(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(threadProgram('dist/src/node/serve/body-worker.js'), { execArgv: [] });
    worker.on('message', (reply: BodyReply) => {
      const waiting = this.#waiting.get(reply.id);
      if ('brought' in reply) waiting?.resolve(reply.brought);
      else if ('problem' in reply) waiting?.reject(new RequestProblem(reply.problem.problem, reply.problem.message));
      else waiting?.reject(errorOf(reply.error));
    });
    // Such as out of memory: the next body starts another one.
    const end = (): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      const sentence = 'The thread that reads bodies has ended; send the request again.';
      for (const { reject } of this.#waiting.values()) {
        reject(new RequestProblem('interrupted', sentence, { retryAfter: 1 }));
      }
    };
    worker.on('error', end);
    worker.on('exit', end);
    return worker;
  }
}
