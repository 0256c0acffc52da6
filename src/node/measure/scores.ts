import { join } from 'node:path';
import type { Scores } from '../../metrics/index.js';
import type { Classifier } from '../../recognize/classifier.js';
import { type LoadedBatch, type Loader, noneReadable, type Skipped } from '../datasets/index.js';
import { type BatchPictures, picturesOf } from './dataset-batches.js';
import { type LabelMapping, mapLogits } from './label-mapping.js';

/** The pictures that were measured, in the order of the dataset, and what the network said. */
export interface Measured {
  /** Relative to the dataset's folder. */
  readonly paths: readonly string[];
  /** True classes, indices into the evaluation's labels. */
  readonly labels: readonly number[];
  readonly logits: Scores;
  /** The logits before the weights' temperature; left out where none was applied. */
  readonly rawLogits?: Scores;
}

/** What the network says of a batch; logits [n, K] over the labels of the mapping. */
export interface ScoredBatch extends BatchPictures {
  readonly logits: Float32Array;
  readonly rawLogits?: Float32Array;
  /** How many have low contrast; null where it is not known. */
  readonly low: number | null;
}

/** All batches together. */
export interface CollectedScores {
  readonly measured: Measured;
  /** Positions in the dataset. */
  readonly indices: readonly number[];
  readonly low: number | null;
  readonly skipped: readonly Skipped[];
}

export async function scoreBatch(
  classifier: Classifier,
  batch: LoadedBatch,
  pictures: BatchPictures,
  mapping: LabelMapping,
): Promise<ScoredBatch> {
  const classes = classifier.labels.labels.length;
  if (batch.size === 0) return { ...pictures, logits: new Float32Array(0), low: batch.lowContrast };
  const { logits, rawLogits } = await classifier.classify(batch.images, batch.size);
  const raw = rawLogits === undefined ? {} : { rawLogits: mapLogits(rawLogits, classes, mapping) };
  return { ...pictures, logits: mapLogits(logits, classes, mapping), ...raw, low: batch.lowContrast };
}

/** @param classes of the logits */
export async function collectScores(batches: AsyncIterable<ScoredBatch>, classes: number): Promise<CollectedScores> {
  const all: ScoredBatch[] = [];
  const [indices, labels, paths, skipped]: [number[], number[], string[], Skipped[]] = [[], [], [], []];
  let low: number | null = 0;
  for await (const batch of batches) {
    all.push(batch);
    indices.push(...batch.indices);
    labels.push(...batch.labels);
    paths.push(...batch.paths);
    skipped.push(...batch.skipped);
    low = low === null || batch.low === null ? null : low + batch.low;
  }
  const joined = (partOf: (batch: ScoredBatch) => Float32Array): Scores => {
    const data = new Float32Array(labels.length * classes);
    let at = 0;
    for (const batch of all) {
      data.set(partOf(batch), at);
      at += batch.indices.length * classes;
    }
    return { classes, data };
  };
  const raw = all.some(({ rawLogits }) => rawLogits !== undefined)
    ? { rawLogits: joined(({ rawLogits }) => rawLogits ?? new Float32Array(0)) }
    : {};
  return { measured: { paths, labels, logits: joined(({ logits }) => logits), ...raw }, indices, low, skipped };
}

/** What the network says of every picture that can be read, batch by batch. */
export async function* scoredBatches(
  classifier: Classifier,
  loader: Loader,
  mapping: LabelMapping,
  onProgress?: (done: number, total: number) => void,
): AsyncGenerator<ScoredBatch, void, void> {
  for await (const batch of loader.epoch(0, { empty: true })) {
    yield await scoreBatch(classifier, batch, picturesOf(loader, batch), mapping);
    const last = batch.indices.at(-1);
    if (last !== undefined) onProgress?.(last + 1, loader.dataset.samples.length);
  }
}

/**
 * What the network says of every picture that can be read, and how many of those have low contrast, where that is known.
 * @throws UserError where none can be read.
 */
export async function scoresOf(
  classifier: Classifier,
  loader: Loader,
  mapping: LabelMapping,
  onProgress?: (done: number, total: number) => void,
): Promise<CollectedScores> {
  const batches = scoredBatches(classifier, loader, mapping, onProgress);
  const scores = await collectScores(batches, mapping.labels.labels.length);
  const { samples, root, split } = loader.dataset;
  if (scores.indices.length === 0) throw noneReadable(samples.length, join(root, split), scores.skipped);
  return scores;
}
