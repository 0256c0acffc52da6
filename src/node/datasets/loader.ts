import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { Preprocessing } from '../../common/preprocessing.js';
import { random } from '../../common/random.js';
import { checkTensorAugmentation } from '../../image/augment.js';
import { type Augmentation, noAugmentation } from '../../image/augmentation.js';
import type { Batch } from '../../image/batch.js';
import type { LowContrast } from '../../image/contrast.js';
import { type Mixing, mixBatch, noMixing } from '../../image/mix.js';
import type { MadeBatch, MakerSettings } from '../decode/batch-job.js';
import { pictureCache } from '../decode/batch-maker.js';
import { type BatchPool, createPool } from '../decode/worker-pool.js';
import type { Dataset } from './dataset.js';
import { epochOrder, type Order, occurrences } from './sampler.js';

/** Pictures of a dataset; `size` is the batch size, less for the last batch or where pictures were skipped. */
export interface LoadedBatch extends Batch {
  /** Which batch of the epoch, from 0; `fromBatch: index + 1` resumes behind it. */
  readonly index: number;
  readonly images: Float32Array<ArrayBuffer>;
  /** [n, K]: one-hot, or the share of the votes. */
  readonly targets: Float32Array<ArrayBuffer>;
  /** Of pictures that are mixed, the label of the larger share. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** [n], positions in `dataset.samples`. */
  readonly indices: Int32Array<ArrayBuffer>;
  /** How many have low contrast; null where nobody asked, or they are tensors. */
  readonly lowContrast: number | null;
  /** Pictures of the batch that were left out. */
  readonly skipped: readonly Skipped[];
}

export interface LoaderOptions {
  readonly preprocessing: Preprocessing;
  readonly batchSize: number;
  /** Seed of order and augmentation (default 0). */
  readonly seed?: number;
  /** Default `noAugmentation`. */
  readonly augmentation?: Augmentation;
  /** Default 'labels'. With 'distribution', pictures without votes are one-hot. */
  readonly targets?: 'labels' | 'distribution';
  /**
   * Share of a one-hot target that is spread over all classes alike (arXiv 1512.00567, section 7; default 0). Targets that
   * are votes stay as they are: those say themselves how sure anybody can be.
   */
  readonly labelSmoothing?: number;
  /** Mixing of pictures within a batch (default none). */
  readonly mixing?: Mixing;
  /** Worker threads; 0 works in the calling thread. Default: half the cores, at most 4, at least 1. */
  readonly workers?: number;
  /** Batches made ahead of the consumer (default: the number of workers + 1). */
  readonly prefetch?: number;
  /** A picture that cannot be read is an error instead of being skipped and listed (default false). */
  readonly strict?: boolean;
  /** Keep resized pictures in memory when the whole set fits into this many bytes (default 1 GiB; 0: never). */
  readonly cacheBytes?: number;
  /** Count pictures of low contrast, and stretch or keep them. Default: neither; training takes pictures as they are. */
  readonly lowContrast?: LowContrast;
  /** Turn pictures upright as their EXIF orientation says (default true). */
  readonly orient?: boolean;
  /**
   * Of each batch only a share. Pictures of other shares are not read, except where pictures are mixed. Default: all of it.
   */
  readonly share?: BatchShare;
}

/** Which of the shares of a batch is wanted. Shares are as long as the first, but for the last ones. */
export interface BatchShare {
  /** From 0. */
  readonly rank: number;
  /** Number of shares. */
  readonly size: number;
}

export interface EpochOptions {
  /** Default 'sequential'. 'balanced' draws with replacement, every class equally often in expectation. */
  readonly order?: Order;
  /** Index of the first batch wanted (default 0): resumes an epoch with the same bits. */
  readonly fromBatch?: number;
  /** Give batches of which no picture could be read too, and do not fail where that is all of them (default false). */
  readonly empty?: boolean;
  /** Index of the batch at which to end (default: there is no such batch). */
  readonly toBatch?: number;
}

/** A picture that was left out, and the sentence why. */
export interface Skipped {
  readonly index: number;
  readonly path: string;
  readonly reason: string;
}

export interface Loader {
  readonly dataset: Dataset;
  /** Batches in an epoch. */
  readonly batches: number;
  /** Pictures left out so far, each once, by index. */
  readonly skipped: readonly Skipped[];
  /**
   * The batches of one epoch, in order. Contents depend on dataset, options and epoch alone, not on workers or timing.
   * @throws UserError under `strict` for a picture that cannot be read.
   */
  epoch(epoch: number, options?: EpochOptions): AsyncIterable<LoadedBatch>;
  /** Ends all workers; safe to call twice, and in the middle of an epoch. */
  close(): Promise<void>;
}

/** That a dataset has no picture that can be read. @param where its folder */
export function noneReadable(pictures: number, where: string, skipped: readonly Skipped[]): UserError {
  return new UserError(
    `${pictures === 1 ? `The only picture of ${where} could not be read` : `None of the ${pictures} pictures of ${where} could be read; the first`}: ${skipped[0]?.reason ?? ''}`,
  );
}

/** Half the cores, 1 to 4: training uses them too. */
function defaultWorkers(): number {
  return Math.max(1, Math.min(4, Math.floor(availableParallelism() / 2)));
}

/** @throws UserError where targets cannot be changed so. */
function checkTargetChanges(labelSmoothing: number, { mixup, cutmix }: Mixing): void {
  for (const [setting, what, value, limit] of [
    ['labelSmoothing', 'label smoothing', labelSmoothing, 1],
    ['mixup', 'strength of mixup', mixup, Number.POSITIVE_INFINITY],
    ['cutmix', 'strength of CutMix', cutmix, Number.POSITIVE_INFINITY],
  ] as const) {
    if (value >= 0 && value < limit) continue;
    const most = limit === 1 ? ' and below 1' : '';
    throw new UserError(`The ${what} is ${value}; it must be a number from 0 on${most}.`, 'usage', {
      settings: [setting],
    });
  }
}

const nothing = (): Promise<MadeBatch> =>
  Promise.resolve({ images: new Float32Array(), kept: new Int32Array(), lowContrast: null, failures: [] });

/** Some of the pictures of a batch, by their positions, as far as there are any. */
function partOf(batch: LoadedBatch, from: number, to: number): LoadedBatch {
  const part = <T extends Float32Array | Int32Array>(values: T): T => {
    const each = values.length / batch.size;
    return values.subarray(from * each, to * each) as T;
  };
  if (batch.size === 0) return batch;
  const indices = part(batch.indices);
  return {
    ...batch,
    size: indices.length,
    images: part(batch.images),
    targets: part(batch.targets),
    labels: part(batch.labels),
    indices,
  };
}

/** Makes a loader; its workers start with the first epoch. Close it when done. */
export function createLoader(dataset: Dataset, options: LoaderOptions): Loader {
  const { preprocessing, batchSize, seed = 0, targets = 'labels', strict = false } = options;
  const { labelSmoothing = 0, mixing = noMixing } = options;
  const { workers = defaultWorkers(), cacheBytes = 2 ** 30 } = options;
  const prefetch = options.prefetch ?? workers + 1;
  for (const [name, value, least] of [
    ['batch size', batchSize, 1],
    ['number of data workers', workers, 0],
    ['number of batches made ahead', prefetch, 1],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new UserError(`The ${name} is ${value}; it must be a whole number, at least ${least}.`, 'usage');
    }
  }
  checkTargetChanges(labelSmoothing, mixing);
  const tensors = dataset.tensors === true;
  if (tensors) {
    checkTensorAugmentation(options.augmentation ?? noAugmentation);
    if (options.lowContrast === 'stretch') {
      throw new UserError('Pictures given as tensors cannot be stretched; keep their contrast.', 'usage');
    }
  }
  const settings: MakerSettings = {
    paths: dataset.samples.map(({ path }) => path),
    preprocessing,
    augmentation: options.augmentation ?? noAugmentation,
    seed,
    lowContrast: options.lowContrast ?? null,
    orient: options.orient ?? true,
    cache: tensors ? null : pictureCache(dataset.samples.length, preprocessing, cacheBytes),
    tensors,
  };
  const batches = Math.ceil(dataset.samples.length / batchSize);
  const { rank, size: shares } = options.share ?? { rank: 0, size: 1 };
  const shareLength = Math.ceil(batchSize / shares);
  /** Positions within a batch. */
  const share = [rank * shareLength, Math.min((rank + 1) * shareLength, batchSize)] as const;
  // What a picture is mixed with may be of another share.
  const readsAll = shares === 1 || mixing.mixup > 0 || mixing.cutmix > 0;
  const skipped = new Map<number, Skipped>();
  let pool: BatchPool | undefined;
  let closing: Promise<void> | undefined;

  const finish = (epoch: number, index: number, indices: Int32Array, made: MadeBatch): LoadedBatch => {
    const missing = made.failures.map(({ index: at, reason }): Skipped => {
      if (strict) throw new UserError(reason);
      return { index: at, path: itemAt(dataset.samples, at).path, reason };
    });
    for (const one of missing) skipped.set(one.index, one);
    const size = made.kept.length;
    const classes = dataset.labels.labels.length;
    const batch: LoadedBatch = {
      index,
      size,
      images: made.images,
      targets: new Float32Array(size * classes),
      labels: new Int32Array(size),
      indices: new Int32Array(size),
      lowContrast: made.lowContrast,
      skipped: missing.sort((a, b) => a.index - b.index),
    };
    made.kept.forEach((position, n) => {
      const at = itemAt(indices, position);
      const sample = dataset.samples[at];
      if (sample === undefined) return;
      batch.indices[n] = at;
      batch.labels[n] = sample.label;
      if (targets === 'distribution' && sample.distribution !== undefined) {
        batch.targets.set(sample.distribution, n * classes);
      } else {
        batch.targets.fill(labelSmoothing / classes, n * classes, (n + 1) * classes);
        batch.targets[n * classes + sample.label] = 1 - labelSmoothing + labelSmoothing / classes;
      }
    });
    mixBatch(batch, preprocessing.imageSize, mixing, random(seed, 'mix', epoch, index));
    return batch;
  };

  async function* epochBatches(epoch: number, options: EpochOptions): AsyncGenerator<LoadedBatch, void, void> {
    const { order = 'sequential', fromBatch = 0, toBatch = batches, empty = false } = options;
    if (closing !== undefined) throw new UserError('This loader has been closed; create another one.', 'usage');
    pool ??= createPool(workers, settings);
    const { make } = pool;
    const positions = epochOrder(dataset, order, seed, epoch);
    const repeats = occurrences(positions, dataset.samples.length);
    const pending: { readonly index: number; readonly indices: Int32Array; readonly made: Promise<MadeBatch> }[] = [];
    let next = fromBatch;
    let found = 0;
    const refill = (): void => {
      for (; pending.length < prefetch && next < Math.min(toBatch, batches); next++) {
        const [from, to] = readsAll ? [0, batchSize] : share;
        const indices = positions.slice(next * batchSize + from, next * batchSize + to);
        const own = repeats.slice(next * batchSize + from, next * batchSize + to);
        const made = indices.length === 0 ? nothing() : make({ epoch, indices, occurrences: own });
        // Awaited in turn, or never after an early end: until then a rejection is not unhandled.
        made.catch(() => undefined);
        pending.push({ index: next, indices, made });
      }
    };
    refill();
    for (let one = pending.shift(); one !== undefined; one = pending.shift()) {
      const made = await one.made;
      refill();
      const whole = finish(epoch, one.index, one.indices, made);
      const batch = shares > 1 && readsAll ? partOf(whole, ...share) : whole;
      found += batch.size;
      if (batch.size > 0 || empty) yield batch;
    }
    if (found === 0 && fromBatch === 0 && !empty) {
      throw noneReadable(dataset.samples.length, join(dataset.root, dataset.split), [...skipped.values()]);
    }
  }

  return {
    dataset,
    batches,
    get skipped() {
      return [...skipped.values()].sort((a, b) => a.index - b.index);
    },
    epoch: (epoch, epochOptions = {}) => epochBatches(epoch, epochOptions),
    close: () => {
      closing ??= pool?.close() ?? Promise.resolve();
      return closing;
    },
  };
}
