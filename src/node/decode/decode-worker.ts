/** A worker thread of the loader: makes batches, one message in and one out for each. */
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import type { SharedBudget } from '../../common/memory-budget.js';
import { type SentError, sentError } from '../../common/sent-errors.js';
import { sharePictureMemory } from '../../image/picture-memory.js';
import type { MadeBatch, MakerJob, MakerSettings } from './batch-job.js';
import { createBatchMaker } from './batch-maker.js';

/** What a worker is started with. */
export interface WorkerSettings {
  readonly settings: MakerSettings;
  /** Of the whole process. */
  readonly memory: SharedBudget;
  /** What this worker holds of it, for whoever sees it end. */
  readonly account: SharedBudget;
}
/** To a worker: a batch to make, or to end after the one being made. */
export type WorkerRequest = { readonly id: number; readonly job: MakerJob } | 'close';
/** From a worker. */
export type WorkerReply =
  | { readonly id: number; readonly made: MadeBatch }
  | { readonly id: number; readonly error: SentError };

if (parentPort !== null) {
  const port = parentPort;
  // Dataset pictures are small: libvips' own threads and operation cache would cost more than they give.
  sharp.concurrency(1);
  sharp.cache(false);
  const { settings, memory, account }: WorkerSettings = workerData;
  sharePictureMemory(memory, account);
  const make = createBatchMaker(settings);
  let closing = false;
  let last: Promise<void> = Promise.resolve();
  const answer = async (id: number, job: MakerJob): Promise<void> => {
    if (closing) return;
    try {
      const made = await make(job);
      const reply: WorkerReply = { id, made };
      port.postMessage(reply, [made.images.buffer, made.kept.buffer]);
    } catch (error) {
      const reply: WorkerReply = { id, error: sentError(error) };
      port.postMessage(reply);
    }
  };
  port.on('message', (request: WorkerRequest) => {
    if (request === 'close') {
      closing = true;
      // Ending while libvips works for this thread is not safe: wait for the batch in hand.
      last = last.then(() => port.close());
    } else {
      last = last.then(() => answer(request.id, request.job));
    }
  });
}
