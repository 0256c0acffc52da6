import { join, relative, resolve, sep } from 'node:path';
import * as z from 'zod';
import { type Dataset, type LoadedBatch, splitsOf } from '../../node/datasets/index.js';
import { type BatchLoaderOptions, type BatchPictures, batchCount, someBatches } from '../../node/measure/index.js';
import { shareOut, takePart, type UnitResult, type UnitWork } from '../../node/ranks/share-out.js';
import { labelSetSchema } from '../../safetensors/description-parts.js';
import { countBar } from '../progress.js';
import type { Ranks } from './by-ranks.js';
import { checkVisible } from './same-work.js';

/** Batches that a rank has at a time: one is computed, others are read. */
const ahead = 5;

const datasetSchema = z.object({
  split: z.string(),
  labels: labelSetSchema,
  tensors: z.boolean().exactOptional(),
  /** Path within the dataset's folder with `/`, label, votes. */
  pictures: z.array(z.tuple([z.string(), z.int(), z.array(z.number()).nullable()])),
});

/** A split as the ranks have it, which rank 0 found. */
export interface SharedDataset<Facts> {
  readonly dataset: Dataset;
  readonly facts: Facts;
}

/**
 * The pictures of a split, which rank 0 alone looks for.
 * @param root the dataset's folder, as this rank knows it
 * @param find for rank 0
 * @throws UserError on all ranks where it cannot be found, or one of them does not see it
 */
export async function findDataset<Facts>(
  ranks: Ranks,
  root: string,
  factsSchema: z.ZodType<Facts>,
  find: () => Promise<SharedDataset<Facts>>,
): Promise<SharedDataset<Facts>> {
  let found: SharedDataset<Facts> | undefined;
  const schema = z.object({ dataset: datasetSchema, facts: factsSchema });
  const { dataset, facts } = await ranks.fromFirst(schema, async () => {
    found = await find();
    return { dataset: encodeDataset(found.dataset), facts: found.facts };
  });
  if (found !== undefined) return found;
  // That the folder is there, in the words of those who list it.
  await splitsOf(root);
  const own = decodeDataset(resolve(root), dataset);
  await checkVisible(ranks, own.samples[0]?.path);
  return { dataset: own, facts };
}

const encodeDataset = ({ root, split, labels, tensors, samples }: Dataset): z.infer<typeof datasetSchema> => ({
  split,
  labels: { name: labels.name, labels: [...labels.labels] },
  ...(tensors === undefined ? {} : { tensors }),
  pictures: samples.map(({ path, label, distribution }) => [
    relative(root, path).split(sep).join('/'),
    label,
    distribution === undefined ? null : [...distribution],
  ]),
});

const decodeDataset = (root: string, { pictures, ...rest }: z.infer<typeof datasetSchema>): Dataset => ({
  ...rest,
  root,
  samples: pictures.map(([name, label, votes]) => ({
    path: join(root, name),
    label,
    majority: true,
    ...(votes === null ? {} : { distribution: Float32Array.from(votes) }),
  })),
});

/** How the batches of a split are computed. */
export interface BatchWork {
  readonly dataset: Dataset;
  readonly loading: BatchLoaderOptions;
  /** @returns the batch's record */
  readonly compute: (batch: LoadedBatch, pictures: BatchPictures) => Promise<object>;
}

/**
 * Computes the batches of a split with all ranks.
 * @param merge what rank 0 does with the records of all, in the order of the batches
 * @returns what it makes of them; undefined for the other ranks
 */
export async function batchesByRanks<Merged>(
  ranks: Ranks,
  { dataset, loading, compute }: BatchWork,
  merge: (results: AsyncIterable<UnitResult>) => Promise<Merged>,
): Promise<Merged | undefined> {
  const work: UnitWork<number> = async function* (units) {
    for await (const { batch, pictures } of someBatches(dataset, loading, units)) yield await compute(batch, pictures);
  };
  // Half a measurement is none.
  const stop = new AbortController();
  if (ranks.rank > 0) {
    await takePart(ranks, z.int().min(0), { work, stop: stop.signal });
    return undefined;
  }
  const count = batchCount(dataset, loading.batchSize);
  const units = Array.from({ length: count }, (_, i) => i);
  const bar = countBar('pictures');
  async function* counted(): AsyncGenerator<UnitResult, void, void> {
    for await (const result of shareOut(ranks, { units, ahead, work, stop: stop.signal })) {
      yield result;
      bar.update(Math.min(dataset.samples.length, (result.unit + 1) * loading.batchSize), dataset.samples.length);
    }
  }
  try {
    return await merge(counted());
  } finally {
    bar.stop();
  }
}
