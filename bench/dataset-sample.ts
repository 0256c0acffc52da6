import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { itemAt } from '../src/common/item-at.js';
import type { Dataset, Sample } from '../src/node/datasets/index.js';

/** So many of a dataset's pictures, evenly over its list, which is sorted by class. */
export function evenly(samples: readonly Sample[], count: number): Sample[] {
  const wanted = Math.min(count, samples.length);
  return Array.from({ length: wanted }, (_, i) => itemAt(samples, Math.floor((i * samples.length) / wanted)));
}

/** A folder with links to some pictures of a dataset, in class folders, for what measures whole splits. */
export async function withSample<T>(
  { labels, split }: Dataset,
  samples: readonly Sample[],
  use: (root: string) => Promise<T>,
): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), 'poster-sample-'));
  try {
    for (const label of labels.labels) await mkdir(join(root, split, label), { recursive: true });
    await writeFile(join(root, 'dataset.json'), JSON.stringify({ labels: labels.labels }));
    for (const { path, label } of samples) {
      await symlink(resolve(path), join(root, split, itemAt(labels.labels, label), basename(path)));
    }
    return await use(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
