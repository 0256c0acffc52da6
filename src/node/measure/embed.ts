import { join } from 'node:path';
import { defined } from '../../common/defined.js';
import type { LabelSet } from '../../common/labels.js';
import { argmax } from '../../metrics/argmax.js';
import { buildEmbedding } from '../../models/index.js';
import { type NetworkOptions, noteAlone, openNetwork } from '../../recognize/network.js';
import { tempered } from '../../recognize/tempered.js';
import type { ModelDescription } from '../../safetensors/index.js';
import { withCheckpoint } from '../checkpoints/index.js';
import {
  type Dataset,
  type LoadedBatch,
  loadDataset,
  noneReadable,
  reportedSplitOf,
  type Skipped,
  splitsOf,
} from '../datasets/index.js';
import { type BatchLoaderOptions, type BatchPictures, measuringLoader, picturesOf } from './dataset-batches.js';

export interface PictureFeatures {
  /** [n, d], what the linear head sees. */
  readonly features: Float32Array;
  /** [n, K]; divided by the temperature, where the weights have one. */
  readonly logits: Float32Array;
}

/** A network with its weights, ready to turn pictures into feature vectors. */
export interface Embedder {
  readonly description: ModelDescription;
  /** Length d of a feature vector. */
  readonly dimension: number;
  /**
   * @param images [n, C, S, S], preprocessed (`loadPicture`)
   * @param n pictures, at least 1
   */
  embed(images: Float32Array, n: number): Promise<PictureFeatures>;
  dispose(): Promise<void>;
}

/**
 * Loads a checkpoint to compute penultimate features: the input of the linear head, after the squeeze-excite gate.
 * @throws UserError as `loadClassifier` does.
 */
export async function loadEmbedder(path: string, options: NetworkOptions = {}): Promise<Embedder> {
  const { description, network, temperature, built, run, dispose } = await withCheckpoint(path, (checkpoint) =>
    openNetwork(checkpoint, options, buildEmbedding),
  );
  noteAlone(network);
  return {
    description,
    dimension: built.features,
    async embed(images, n) {
      const outputs = await run(images, n);
      const logits = outputs('logits');
      const classes = description.labels.labels.length;
      return {
        features: outputs('features'),
        logits: temperature === undefined ? logits : tempered(logits, classes, temperature).logits,
      };
    },
    dispose,
  };
}

export interface EmbedOptions {
  /** Default: `test` where there is one, else `valid`, else what there is. */
  readonly split?: string;
  /** Which expressions numbered class folders stand for. */
  readonly folderLabels?: LabelSet;
  /** Pictures at once (default 32). */
  readonly batchSize?: number;
  readonly workers?: number;
  /** A picture that cannot be read is an error instead of being left out (default false). */
  readonly strict?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/** The features of a dataset's pictures, in its order. */
export interface EmbeddedDataset {
  /** Absolute path of the dataset's folder. */
  readonly root: string;
  readonly split: string;
  /** The dataset's own; they need not be the weights'. */
  readonly labels: LabelSet;
  /** Absolute path of each picture. */
  readonly paths: readonly string[];
  /** [n], indices into `labels`. */
  readonly classes: Int32Array;
  /** [n], indices into the weights' labels: what the network ranks first. */
  readonly predicted: Int32Array;
  /** [n, dimension] */
  readonly features: Float32Array;
  readonly dimension: number;
  readonly skipped: readonly Skipped[];
}

/** The features of a batch's pictures. */
export interface EmbeddedBatch extends BatchPictures {
  /** [n, dimension] */
  readonly features: Float32Array;
  /** [n], indices into the weights' labels. */
  readonly predicted: readonly number[];
}

/** A split that is ready to be embedded. */
export interface OpenedEmbedding {
  readonly dataset: Dataset;
  readonly loading: BatchLoaderOptions;
}

/** @throws UserError where the data cannot be used. */
export async function openEmbedding(embedder: Embedder, root: string, options: EmbedOptions): Promise<OpenedEmbedding> {
  const { folderLabels, split } = options;
  const splits = await splitsOf(root);
  const wanted = split ?? reportedSplitOf(splits) ?? splits[0] ?? '.';
  return {
    dataset: await loadDataset(root, wanted, defined({ labels: folderLabels })),
    loading: loadingOf(embedder, options),
  };
}

/** How pictures are read, whatever pictures they are. */
export function loadingOf(
  { description }: Pick<Embedder, 'description'>,
  { batchSize = 32, workers, strict = false }: EmbedOptions,
): BatchLoaderOptions {
  return { preprocessing: description.preprocessing, batchSize, strict, ...defined({ workers }) };
}

/**
 * Computes the features of a split of a dataset, without augmentation.
 * @throws UserError where the data cannot be used.
 */
export async function embedDataset(
  embedder: Embedder,
  root: string,
  options: EmbedOptions = {},
): Promise<EmbeddedDataset> {
  const { dataset, loading } = await openEmbedding(embedder, root, options);
  const loader = measuringLoader(dataset, loading);
  const total = dataset.samples.length;
  async function* batches(): AsyncGenerator<EmbeddedBatch, void, void> {
    for await (const batch of loader.epoch(0, { empty: true })) {
      yield await embedBatch(embedder, batch, picturesOf(loader, batch));
      options.onProgress?.(Math.min(total, (batch.index + 1) * loading.batchSize), total);
    }
  }
  try {
    const embedded = await collectEmbedded(batches(), { ...dataset, pictures: total, dimension: embedder.dimension });
    if (embedded.paths.length > 0) return embedded;
    throw noneReadable(total, join(dataset.root, dataset.split), embedded.skipped);
  } finally {
    await loader.close();
  }
}

export async function embedBatch(
  embedder: Embedder,
  batch: LoadedBatch,
  pictures: BatchPictures,
): Promise<EmbeddedBatch> {
  if (batch.size === 0) return { ...pictures, features: new Float32Array(0), predicted: [] };
  const { features, logits } = await embedder.embed(batch.images, batch.size);
  const width = logits.length / batch.size;
  const predicted = pictures.indices.map((_, i) => argmax(logits.subarray(i * width, (i + 1) * width)));
  return { ...pictures, features, predicted };
}

/** @param about `pictures` is how many there are at most, those that cannot be read included */
export async function collectEmbedded(
  batches: AsyncIterable<EmbeddedBatch>,
  about: Pick<Dataset, 'root' | 'split' | 'labels'> & { readonly pictures: number; readonly dimension: number },
): Promise<EmbeddedDataset> {
  const { root, split, labels, pictures, dimension } = about;
  const features = new Float32Array(pictures * dimension);
  const classes = new Int32Array(pictures);
  const predicted = new Int32Array(pictures);
  const paths: string[] = [];
  const skipped: Skipped[] = [];
  for await (const batch of batches) {
    features.set(batch.features, paths.length * dimension);
    classes.set(batch.labels, paths.length);
    predicted.set(batch.predicted, paths.length);
    paths.push(...batch.paths.map((path) => join(root, path)));
    skipped.push(...batch.skipped);
  }
  const n = paths.length;
  return {
    root,
    split,
    labels,
    paths,
    classes: classes.subarray(0, n),
    predicted: predicted.subarray(0, n),
    features: features.subarray(0, n * dimension),
    dimension,
    skipped,
  };
}
