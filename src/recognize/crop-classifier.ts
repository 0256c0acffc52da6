import { UserError } from '../common/errors.js';
import { whenAborted } from '../common/signals.js';
import { nextTurn } from '../common/turns.js';
import type { Picture } from '../image/resize.js';
import { checkBatchSize } from './check-batch-size.js';
import type { Classified } from './classified.js';
import type { Classifier } from './classifier.js';
import { cropTensor } from './face-crops.js';
import { ranked, type Score } from './scores.js';

/** Crops that the classifier looks at in one run. */
export const defaultBatchSize = 32;

export interface ClassifyCropsOptions {
  /** Crops in one run of the network, at most; from 1. Default 32. */
  readonly batchSize?: number;
  /** Gives up the crops that no run has begun with, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Crops of one call that wait, or are in a run. */
interface Request {
  readonly crops: readonly Picture[];
  readonly batchSize: number;
  /** Of the crops before `taken`, once their run has ended. */
  readonly scores: Score[][];
  /** Crops that runs have begun with: the others wait. */
  taken: number;
  readonly resolve: (scores: Score[][]) => void;
  readonly reject: (error: unknown) => void;
}

/** Crops of one request that are in a run. */
interface Part {
  readonly request: Request;
  readonly crops: readonly Picture[];
}

/**
 * Reads the expressions of face crops. All that is read with one network goes through one of these, so that pictures, video
 * frames and single calls share runs: there is one run at a time, and when it ends, the next takes what has come meanwhile, in the
 * order of arrival. A crop never waits for others to come.
 */
export class CropClassifier {
  readonly classifier: Classifier;
  readonly #queue: Request[] = [];
  /** The runs under way, while there is something to run. */
  #working: Promise<void> | undefined;
  #closed: Error | undefined;

  /** @param classifier disposing of this disposes of it */
  constructor(classifier: Classifier) {
    this.classifier = classifier;
  }

  /** Crops that no run has begun with yet. */
  get waiting(): number {
    return this.#queue.reduce((count, { crops, taken }) => count + crops.length - taken, 0);
  }

  /**
   * @param crops of `cropFace` or `cropWhole`; none is no run
   * @returns for each crop all labels, the most probable first
   * @throws UserError for a batch size that cannot be; what a run with one of these crops throws
   */
  async classify(
    crops: readonly Picture[],
    { batchSize = defaultBatchSize, signal }: ClassifyCropsOptions = {},
  ): Promise<Score[][]> {
    checkBatchSize(batchSize);
    if (crops.length === 0) return [];
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed;
    let release: () => void = () => undefined;
    try {
      return await new Promise<Score[][]>((resolve, reject) => {
        const request: Request = { crops, batchSize, scores: [], taken: 0, resolve, reject };
        if (signal !== undefined) release = whenAborted(signal, () => this.#giveUp(request, signal.reason));
        this.#queue.push(request);
        this.#working ??= this.#work();
      });
    } finally {
      release();
    }
  }

  /**
   * Rejects what waits, lets the run under way end, and frees the network's memory. Safe to call again.
   * @param reason what is thrown to who waits, and to who comes later
   */
  async dispose(
    reason: Error = new UserError('This classifier has been disposed of; load another one.', 'usage'),
  ): Promise<void> {
    this.#closed ??= reason;
    for (const request of [...this.#queue]) this.#giveUp(request, this.#closed);
    await this.#working;
    await this.classifier.dispose();
  }

  async #work(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        // What becomes ready in the same turn of the event loop shares the run.
        await nextTurn();
        const parts = this.#nextBatch();
        if (parts.length > 0) await this.#run(parts);
      }
    } finally {
      this.#working = undefined;
    }
  }

  /** What waits, from the front, as much as each of its callers lets a run have. */
  #nextBatch(): Part[] {
    const parts: Part[] = [];
    let [count, limit] = [0, Number.POSITIVE_INFINITY];
    for (const request of [...this.#queue]) {
      limit = Math.min(limit, request.batchSize);
      if (count >= limit) break;
      const crops = request.crops.slice(request.taken, request.taken + limit - count);
      parts.push({ request, crops });
      request.taken += crops.length;
      count += crops.length;
      if (request.taken === request.crops.length) this.#forget(request);
    }
    return parts;
  }

  /** Never throws: who waits is told. */
  async #run(parts: readonly Part[]): Promise<void> {
    try {
      const crops = parts.flatMap((part) => part.crops);
      const images = cropTensor(crops, this.classifier.preprocessing);
      const rows = scoresOf(this.classifier, await this.classifier.classify(images, crops.length), crops.length);
      for (const { request, crops: own } of parts) {
        request.scores.push(...rows.splice(0, own.length));
        if (request.scores.length === request.crops.length) request.resolve(request.scores);
      }
    } catch (error) {
      for (const { request } of parts) this.#giveUp(request, error);
    }
  }

  #giveUp(request: Request, reason: unknown): void {
    this.#forget(request);
    request.reject(reason);
  }

  #forget(request: Request): void {
    const at = this.#queue.indexOf(request);
    if (at >= 0) this.#queue.splice(at, 1);
  }
}

function scoresOf({ labels: { labels } }: Classifier, { logits, probabilities }: Classified, n: number): Score[][] {
  const row = (values: Float32Array, i: number): Float32Array =>
    values.subarray(i * labels.length, (i + 1) * labels.length);
  return Array.from({ length: n }, (_, i) => ranked(labels, row(logits, i), row(probabilities, i)));
}
