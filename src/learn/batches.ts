import { itemAt } from '../common/item-at.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { random } from '../common/random.js';
import { countsOf, epochPositions, occurrences } from '../common/sampling.js';
import { type Augmentation, augmentInto, type Batch, noAugmentation } from '../image/index.js';
import { inputFormat } from '../image/input-format.js';
import type { Picture } from '../image/resize.js';
import type { Position } from '../train/index.js';

/** Crops at the network's size and of its channels, with their classes. */
export interface LearnedCrops {
  readonly preprocessing: Preprocessing;
  readonly classes: number;
  readonly crops: readonly Picture[];
  /** [n] */
  readonly labels: readonly number[];
}

export interface BatchSettings {
  readonly batchSize: number;
  readonly augmentation: Augmentation;
  /** Changed copies of each crop, which the epochs take in turn; infinity: a new one in each epoch. */
  readonly copies: number;
  /** What is taken from each label and spread over all classes alike, in [0, 1). */
  readonly labelSmoothing: number;
  readonly seed: number;
}

/**
 * The batches of an epoch, each crop changed. Where classes have different numbers of crops, each class comes equally
 * often in expectation.
 * @param from the epoch, and the batch of it to begin with
 */
export function* trainingBatches(
  set: LearnedCrops,
  settings: BatchSettings,
  from: Pick<Position, 'epoch' | 'nextBatch'>,
): Generator<Batch> {
  const { epoch, nextBatch } = from;
  const { labels, classes } = set;
  const { batchSize, augmentation, labelSmoothing, seed } = settings;
  const copy = epoch % settings.copies;
  const counts = new Set(countsOf(labels, classes).filter((count) => count > 0));
  const order = epochPositions(labels, classes, counts.size > 1 ? 'balanced' : 'shuffled', seed, epoch);
  const repeats = occurrences(order, labels.length);
  for (let at = nextBatch * batchSize; at < order.length; at += batchSize) {
    const positions = order.subarray(at, at + batchSize);
    const keyOf = (i: number) => [copy, itemAt(positions, i), itemAt(repeats, at + i)] as const;
    const batch = batchOf(set, positions, augmentation, (i) => [seed, 'augment', ...keyOf(i)]);
    const keys = Number.isFinite(settings.copies) ? { keys: keysOf(positions, (i) => keyOf(i).join(' ')) } : {};
    yield { ...batch, ...keys, targets: smoothed(batch.labels, classes, labelSmoothing) };
  }
}

const keysOf = (positions: Int32Array, keyOf: (i: number) => string): string[] =>
  Array.from(positions, (_, i) => keyOf(i));

/** All crops as they are, for measuring. */
export function* plainBatches(set: LearnedCrops, batchSize: number): Generator<Batch> {
  for (let from = 0; from < set.crops.length; from += batchSize) {
    const size = Math.min(batchSize, set.crops.length - from);
    const positions = Int32Array.from({ length: size }, (_, i) => from + i);
    const keys = keysOf(positions, (i) => `as it is ${from + i}`);
    yield { ...batchOf(set, positions, noAugmentation, () => [0]), keys };
  }
}

/** @param streamOf the random stream of the batch's picture i: seed and names */
function batchOf(
  { crops, labels, preprocessing }: LearnedCrops,
  positions: Int32Array,
  augmentation: Augmentation,
  streamOf: (i: number) => readonly [seed: number, ...stream: (number | string)[]],
): Batch & { readonly labels: Int32Array } {
  const format = inputFormat(preprocessing);
  const pixels = format.channels * format.size ** 2;
  const images = new Float32Array(positions.length * pixels);
  positions.forEach((position, i) => {
    const [seed, ...stream] = streamOf(i);
    augmentInto(images, i * pixels, itemAt(crops, position).data, format, augmentation, (...change) =>
      random(seed, ...stream, ...change),
    );
  });
  return { size: positions.length, images, labels: positions.map((position) => itemAt(labels, position)) };
}

/** [n, classes] */
function smoothed(labels: Int32Array, classes: number, smoothing: number): Float32Array {
  const targets = new Float32Array(labels.length * classes).fill(smoothing / classes);
  labels.forEach((label, i) => {
    targets[i * classes + label] = 1 - smoothing + smoothing / classes;
  });
  return targets;
}
