import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
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

/**
 * SHA-256 over the pictures in order: name within the dataset, label, size in bytes, and votes where they are learned. No
 * picture is opened, so it takes seconds for 100,000; one that is replaced by another of the same name and size is not seen.
 */
export async function digestOf(
  { train, validation }: { readonly train: Dataset; readonly validation: Dataset },
  targets: RunOptions['targets'],
): Promise<DataDigest> {
  return { train: await digest(train, targets), validation: await digest(validation, 'labels') };
}

async function digest({ root, samples }: Dataset, targets: RunOptions['targets']): Promise<string> {
  const sizes = new Map<string, number>();
  await forEachParallel(samples, atOnce, async ({ path }) => {
    // A file that cannot be read now is left out in training too, or was.
    const info = await stat(path).catch(() => undefined);
    sizes.set(path, info?.size ?? -1);
  });
  const hash = createHash('sha256');
  for (const { path, label, majority, distribution } of samples) {
    // One form of letters with accents: file systems change it.
    const name = relative(root, path).split(sep).join('/').normalize('NFC');
    hash.update(JSON.stringify([name, label, majority, sizes.get(path)]));
    if (targets === 'distribution' && distribution !== undefined) hash.update(distribution);
  }
  return hash.digest('hex');
}
