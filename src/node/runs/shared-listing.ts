import { join, relative, resolve, sep } from 'node:path';
import * as z from 'zod';
import { defined } from '../../common/defined.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import { type Dataset, splitsOf } from '../datasets/index.js';
import type { Communicator } from '../ranks/communicator.js';
import { type DataDigest, digestOf, type PictureSizes, sizesOf } from './data-digest.js';
import type { RunOptions } from './options.js';
import { openData, type RunData } from './run-data.js';

const labelsSchema = z.object({ name: z.string(), labels: z.array(z.string()) });

/** A dataset as one rank tells it to others, who may have it in another folder. */
const datasetSchema = z.object({
  split: z.string(),
  labels: labelsSchema,
  tensors: z.boolean().exactOptional(),
  notes: z.array(z.string()).exactOptional(),
  /** Path within the dataset's folder with `/`, label, whether there is a majority, size in bytes, votes. */
  pictures: z.array(z.tuple([z.string(), z.int(), z.boolean(), z.number(), z.array(z.number()).nullable()])),
});

const listingSchema = z.object({
  labels: labelsSchema,
  train: datasetSchema,
  validation: datasetSchema,
  calibration: datasetSchema.nullable(),
  validationName: z.string(),
});

export interface Listed {
  readonly data: RunData;
  readonly digest: DataDigest;
}

/**
 * The pictures of a run, and a digest of them. Of several ranks the first alone lists folders, and asks for the size of every picture; each
 * other one asks for the sizes of its part of them. So a file system that all share is not asked for everything by everybody.
 * @throws UserError as `openData` does, on all ranks
 */
export async function listData(run: RunOptions, ranks: Communicator, order?: LabelSet): Promise<Listed> {
  if (ranks.size === 1) {
    const data = await openData(run, order);
    return { data, digest: await digestOf(data, run.targets) };
  }
  let own: { readonly data: RunData; readonly sizes: PictureSizes } | undefined;
  const listing = await ranks.fromFirst(listingSchema, async () => {
    const data = await openData(run, order);
    own = { data, sizes: await sizesOf(data) };
    return encodeListing(data, own.sizes);
  });
  if (own !== undefined) return { data: own.data, digest: await digestOf(own.data, run.targets, own.sizes) };
  // That the folder is there, in the words of those who list it.
  await splitsOf(run.data);
  const data = decodeListing(resolve(run.data), listing);
  const ownSizes = await sizesOf(data, (index) => index % ranks.size === ranks.rank);
  const sizes = {
    train: part(listing.train, ownSizes.train),
    validation: part(listing.validation, ownSizes.validation),
  };
  return { data, digest: await digestOf(data, run.targets, sizes) };

  /** Sizes as told, and as seen by this rank where it looked. */
  function part({ pictures }: z.infer<typeof datasetSchema>, found: readonly number[]): number[] {
    return pictures.map(([, , , size], i) => (i % ranks.size === ranks.rank ? itemAt(found, i) : size));
  }
}

function encodeListing({ labels, train, validation, calibration, validationName }: RunData, sizes: PictureSizes) {
  const of = (dataset: Dataset, bytes: readonly number[]): z.infer<typeof datasetSchema> => ({
    split: dataset.split,
    labels: plain(dataset.labels),
    ...defined({ tensors: dataset.tensors }),
    ...(dataset.notes === undefined ? {} : { notes: [...dataset.notes] }),
    pictures: dataset.samples.map(({ path, label, majority, distribution }, i) => {
      const name = relative(dataset.root, path).split(sep).join('/');
      return [name, label, majority, itemAt(bytes, i), distribution === undefined ? null : [...distribution]];
    }),
  });
  const unsized = calibration?.samples.map(() => -1) ?? [];
  return {
    labels: plain(labels),
    train: of(train, sizes.train),
    validation: of(validation, sizes.validation),
    calibration: calibration === undefined ? null : of(calibration, unsized),
    validationName,
  };
}

const plain = ({ name, labels }: LabelSet): z.infer<typeof labelsSchema> => ({ name, labels: [...labels] });

function decodeListing(
  root: string,
  { labels, train, validation, calibration, validationName }: z.infer<typeof listingSchema>,
): RunData {
  const of = ({ pictures, ...rest }: z.infer<typeof datasetSchema>): Dataset => ({
    ...rest,
    root,
    samples: pictures.map(([name, label, majority, , votes]) => ({
      path: join(root, name),
      label,
      majority,
      ...(votes === null ? {} : { distribution: Float32Array.from(votes) }),
    })),
  });
  return {
    labels,
    train: of(train),
    validation: of(validation),
    calibration: calibration === null ? undefined : of(calibration),
    validationName,
  };
}
