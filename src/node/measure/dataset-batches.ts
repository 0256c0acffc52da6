import { relative, sep } from 'node:path';
import { Ahead } from '../../common/ahead.js';
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

/** Batches that are read while one is computed. */
const readAhead = 4;

/**
 * Some batches of a dataset, such as those of a shard: the very ones that going through all of it has, so that results do not
 * depend on who computes them. Batches of which no picture can be read come too.
 * @param units which batches, ascending, all at once or as they become known
 */
export async function* someBatches(
  dataset: Dataset,
  options: BatchLoaderOptions,
  units: Iterable<number> | AsyncIterable<number>,
): AsyncGenerator<{ readonly batch: LoadedBatch; readonly pictures: BatchPictures }, void, void> {
  const loader = measuringLoader(dataset, options);
  const one = async (index: number): Promise<LoadedBatch> => {
    for await (const batch of loader.epoch(0, { fromBatch: index, toBatch: index + 1, empty: true })) return batch;
    throw new Error(`there is no batch ${index}`);
  };
  const ahead = new Ahead(units, readAhead, one);
  try {
    for (let next = await ahead.next(); next !== undefined; next = await ahead.next()) {
      yield { batch: next.value, pictures: picturesOf(loader, next.value) };
    }
  } finally {
    await ahead.close();
    await loader.close();
  }
}

export function picturesOf({ dataset: { root, samples } }: Loader, batch: LoadedBatch): BatchPictures {
  const indices = [...batch.indices];
  const paths = indices.map((index) => relative(root, itemAt(samples, index).path).replaceAll(sep, '/'));
  return { indices, paths, labels: [...batch.labels], skipped: batch.skipped };
}
