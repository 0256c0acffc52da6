import { defined } from '../../common/defined.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import { argmax } from '../../metrics/argmax.js';
import { buildEmbedding } from '../../models/index.js';
import { type NetworkOptions, noteAlone, openNetwork } from '../../recognize/network.js';
import { tempered } from '../../recognize/tempered.js';
import type { ModelDescription } from '../../safetensors/index.js';
import { withCheckpoint } from '../checkpoints/index.js';
import { createLoader, loadDataset, reportedSplitOf, type Skipped, splitsOf } from '../datasets/index.js';

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

/**
 * Computes the features of a split of a dataset, without augmentation.
 * @throws UserError where the data cannot be used.
 */
export async function embedDataset(
  embedder: Embedder,
  root: string,
  options: EmbedOptions = {},
): Promise<EmbeddedDataset> {
  const { folderLabels, batchSize = 32, workers, strict = false, onProgress } = options;
  const splits = await splitsOf(root);
  const split = options.split ?? reportedSplitOf(splits) ?? splits[0] ?? '.';
  const dataset = await loadDataset(root, split, defined({ labels: folderLabels }));
  const loader = createLoader(dataset, {
    preprocessing: embedder.description.preprocessing,
    batchSize,
    strict,
    cacheBytes: 0, // Every picture is needed once.
    ...defined({ workers }),
  });
  const { dimension } = embedder;
  const total = dataset.samples.length;
  const features = new Float32Array(total * dimension);
  const classes = new Int32Array(total);
  const predicted = new Int32Array(total);
  const paths: string[] = [];
  try {
    for await (const batch of loader.epoch(0)) {
      const rows = await embedder.embed(batch.images, batch.size);
      features.set(rows.features, paths.length * dimension);
      classes.set(batch.labels, paths.length);
      const width = rows.logits.length / batch.size;
      batch.indices.forEach((index, i) => {
        predicted[paths.length] = argmax(rows.logits.subarray(i * width, (i + 1) * width));
        paths.push(itemAt(dataset.samples, index).path);
      });
      onProgress?.(Math.min(total, (batch.index + 1) * batchSize), total);
    }
  } finally {
    await loader.close();
  }
  const n = paths.length;
  return {
    split: dataset.split,
    labels: dataset.labels,
    paths,
    classes: classes.subarray(0, n),
    predicted: predicted.subarray(0, n),
    features: features.subarray(0, n * dimension),
    dimension,
    skipped: loader.skipped,
  };
}
