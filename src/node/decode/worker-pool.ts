import { Worker } from 'node:worker_threads';
import { emptyBudget } from '../../common/memory-budget.js';
import { errorOf } from '../../common/sent-errors.js';
import { pictureMemory } from '../../image/picture-memory.js';
import { packageFile } from '../files/package-files.js';
import type { MadeBatch, MakerJob, MakerSettings } from './batch-job.js';
import { createBatchMaker } from './batch-maker.js';
import type { WorkerReply, WorkerRequest, WorkerSettings } from './decode-worker.js';

/** Makes batches somewhere. Promises may settle in any order. */
export interface BatchPool {
  make(job: MakerJob): Promise<MadeBatch>;
  /** Ends the workers; batches not yet made are rejected. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (made: MadeBatch) => void;
  readonly reject: (error: unknown) => void;
}

/** How long a worker may take to finish the batch in hand before it is ended the hard way. */
const patienceMs = 5000;

class Thread {
  readonly waiting = new Map<number, Waiting>();
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  /** Why it does not work any more. */
  #ended: Error | undefined;

  constructor(settings: MakerSettings) {
    const account = emptyBudget();
    const shared: WorkerSettings = { settings, memory: pictureMemory().shared, account };
    const worker = new Worker(packageFile('dist/src/node/decode/decode-worker.js'), { workerData: shared });
    this.#worker = worker;
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        pictureMemory().forgive(account);
        resolve();
      });
    });
    worker.on('message', (reply: WorkerReply) => this.#settle(reply));
    worker.on('error', (error) => this.#end(error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', () => this.#end(new Error('A data worker ended unexpectedly.')));
    // An idle worker does not keep the process alive, should somebody forget to close the loader.
    worker.unref();
  }

  make(id: number, job: MakerJob): Promise<MadeBatch> {
    const ended = this.#ended;
    if (ended !== undefined) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.#worker.ref();
      const request: WorkerRequest = { id, job };
      this.#worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    this.#end(new Error('The loader was closed.'));
    this.#worker.ref();
    const request: WorkerRequest = 'close';
    this.#worker.postMessage(request);
    const timer = setTimeout(() => void this.#worker.terminate(), patienceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #settle(reply: WorkerReply): void {
    const waiting = this.waiting.get(reply.id);
    if (waiting === undefined) return;
    this.waiting.delete(reply.id);
    if (this.waiting.size === 0) this.#worker.unref();
    if ('made' in reply) waiting.resolve(reply.made);
    else waiting.reject(errorOf(reply.error));
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.waiting.values()) reject(this.#ended);
    this.waiting.clear();
  }
}

/** `workers` threads, or the calling thread where that is 0. */
export function createPool(workers: number, settings: MakerSettings): BatchPool {
  if (workers === 0) {
    const make = createBatchMaker(settings);
    let closed = false;
    // One batch after the other: they share the maker's buffers.
    let last: Promise<unknown> = Promise.resolve();
    return {
      make: (job) => {
        const made = last.then(() => {
          if (closed) throw new Error('The loader was closed.');
          return make(job);
        });
        last = made.catch(() => undefined);
        return made;
      },
      close: async () => {
        closed = true;
        await last;
      },
    };
  }
  const threads = Array.from({ length: workers }, () => new Thread(settings));
  let id = 0;
  return {
    make: (job) => {
      const idlest = threads.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
      return idlest.make(id++, job);
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
