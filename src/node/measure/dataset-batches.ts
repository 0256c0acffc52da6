import { relative, sep } from 'node:path';
import { itemAt } from '../../common/item-at.js';
import {
  createLoader,
  type Dataset,
  type LoadedBatch,
  type Loader,
  type LoaderOptions,
  type Skipped,
} from '../datasets/index.js';

/** The pictures of a batch that were computed, and those that were not. */
export interface BatchPictures {
  /** Positions in the dataset, ascending. */
  readonly indices: readonly number[];
  /** Relative to the dataset's folder. */
  readonly paths: readonly string[];
  /** Indices into the dataset's labels. */
  readonly labels: readonly number[];
  /** Pictures that could not be read. */
  readonly skipped: readonly Skipped[];
}

export type BatchLoaderOptions = Omit<LoaderOptions, 'cacheBytes' | 'prefetch'>;

/** How a measurement reads its pictures: each once. */
export function measuringLoader(dataset: Dataset, options: BatchLoaderOptions): Loader {
  return createLoader(dataset, { ...options, cacheBytes: 0 });
}

/** How many batches a dataset has. */
export const batchCount = ({ samples }: Pick<Dataset, 'samples'>, batchSize: number): number =>
  Math.ceil(samples.length / batchSize);

/**
 * Some batches of a dataset, such as those of a shard: the very ones that going through all of it has, so that results do not
 * depend on who computes them. Batches of which no picture can be read come too.
 * @param units which batches, ascending
 */
export async function* someBatches(
  dataset: Dataset,
  options: BatchLoaderOptions,
  units: readonly number[],
): AsyncGenerator<{ readonly batch: LoadedBatch; readonly pictures: BatchPictures }, void, void> {
  if (units.length === 0) return;
  const { batchSize } = options;
  const samples = units.flatMap((unit) => dataset.samples.slice(unit * batchSize, (unit + 1) * batchSize));
  const loader = measuringLoader({ ...dataset, samples }, options);
  // All batches but the last of a dataset are full.
  const positionOf = (index: number): number =>
    itemAt(units, Math.floor(index / batchSize)) * batchSize + (index % batchSize);
  try {
    for await (const batch of loader.epoch(0, { empty: true })) {
      const { indices, skipped, ...pictures } = picturesOf(loader, batch);
      const moved = skipped.map((one) => ({ ...one, index: positionOf(one.index) }));
      yield { batch, pictures: { ...pictures, indices: indices.map(positionOf), skipped: moved } };
    }
  } finally {
    await loader.close();
  }
}

export function picturesOf({ dataset: { root, samples } }: Loader, batch: LoadedBatch): BatchPictures {
  const indices = [...batch.indices];
  const paths = indices.map((index) => relative(root, itemAt(samples, index).path).replaceAll(sep, '/'));
  return { indices, paths, labels: [...batch.labels], skipped: batch.skipped };
}
