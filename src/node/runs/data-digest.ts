import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { itemAt } from '../../common/item-at.js';
import { forEachParallel } from '../../common/parallel.js';
import type { Dataset } from '../datasets/index.js';
import type { RunOptions } from './options.js';

/** Tells the pictures of a run from others, wherever they lie. */
export interface DataDigest {
  readonly train: string;
  readonly validation: string;
}

/** System calls at once: each waits for the disk. */
const atOnce = 16;

/** Bytes of each picture of a run, in order; -1 where there is none. */
export interface PictureSizes {
  readonly train: readonly number[];
  readonly validation: readonly number[];
}

type Parts = Readonly<Record<keyof PictureSizes, Dataset>>;

/**
 * SHA-256 over the pictures in order: name within the dataset, label, size in bytes, and votes where they are learned. No
 * picture is opened, so it takes seconds for 100,000; one that is replaced by another of the same name and size is not seen.
 * @param sizes where they are known already
 */
export async function digestOf(
  { train, validation }: Parts,
  targets: RunOptions['targets'],
  sizes?: PictureSizes,
): Promise<DataDigest> {
  const known = sizes ?? (await sizesOf({ train, validation }));
  return {
    train: digest(train, targets, known.train),
    validation: digest(validation, 'labels', known.validation),
  };
}

/** @param isWanted by position, whose size is asked for; default: all. Of the others it is -1. */
export async function sizesOf(
  { train, validation }: Parts,
  isWanted: (index: number) => boolean = () => true,
): Promise<PictureSizes> {
  const of = async ({ samples }: Dataset): Promise<number[]> => {
    const sizes = samples.map(() => -1);
    await forEachParallel([...samples.entries()], atOnce, async ([i, { path }]) => {
      // A file that cannot be read now is left out in training too, or was.
      if (isWanted(i)) sizes[i] = (await stat(path).catch(() => undefined))?.size ?? -1;
    });
    return sizes;
  };
  return { train: await of(train), validation: await of(validation) };
}

function digest({ root, samples }: Dataset, targets: RunOptions['targets'], sizes: readonly number[]): string {
  const hash = createHash('sha256');
  for (const [i, { path, label, majority, distribution }] of samples.entries()) {
    // One form of letters with accents: file systems change it.
    const name = relative(root, path).split(sep).join('/').normalize('NFC');
    hash.update(JSON.stringify([name, label, majority, itemAt(sizes, i)]));
    if (targets === 'distribution' && distribution !== undefined) hash.update(distribution);
  }
  return hash.digest('hex');
}
