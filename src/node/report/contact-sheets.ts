import { basename, join } from 'node:path';
import { countText } from '../../common/count-text.js';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { evenly } from '../../common/evenly.js';
import type { LabelSet } from '../../common/labels.js';
import { loadDataset, type Sample } from '../datasets/index.js';
import { decodePicture } from '../decode/index.js';
import { contactSheet } from '../draw/index.js';
import { grouped } from '../draw/text.js';
import { writeFileAtomic } from '../files/files.js';
import { makeFolder } from '../files/output-paths.js';

/** Pictures on a sheet. */
const most = 64;
/** Decoded pictures wait in memory for their sheet; of what is larger only a part is shown. */
const mostPixels = 64_000_000;

async function tilesOf(samples: readonly Sample[]): Promise<Parameters<typeof contactSheet>[0]['tiles']> {
  const tiles = [];
  let pixels = 0;
  for (const { path } of evenly(samples, most)) {
    if (pixels > mostPixels) break;
    try {
      const picture = await decodePicture(path);
      pixels += picture.width * picture.height;
      tiles.push({ picture, caption: basename(path) });
    } catch (error) {
      // Told by the check itself.
      if (!(error instanceof UserError)) throw error;
    }
  }
  return tiles;
}

/**
 * Writes a contact sheet for each class of each split: `train-0-neutral.png`.
 * @returns their paths
 */
export async function writeSheets(
  root: string,
  splits: readonly string[],
  out: string,
  options: { readonly labels?: LabelSet; readonly signal: AbortSignal },
): Promise<string[]> {
  const { labels: wanted, signal } = options;
  await makeFolder(out);
  const written: string[] = [];
  for (const split of splits) {
    const { labels, samples } = await loadDataset(root, split, {
      keepNonMajority: true,
      ...defined({ labels: wanted }),
    });
    for (const [i, label] of labels.labels.entries()) {
      signal.throwIfAborted();
      const own = samples.filter((sample) => sample.label === i);
      if (own.length === 0) continue;
      const tiles = await tilesOf(own);
      const shown = tiles.length === own.length ? '' : `, ${grouped(tiles.length)} of them`;
      const where = split === '.' ? '' : `${split}-`;
      const plain = label.replace(/^\d+[\s._-]+(?=\S)/, '');
      const path = join(out, `${where}${i}-${plain.replace(/[^\p{L}\p{N}_-]+/gu, '_').slice(0, 60)}.png`);
      const title = `${i} ${plain}`;
      const subtitle = `${split === '.' ? '' : `${split}, `}${countText(own.length, 'picture')}${shown}, ${labels.name}`;
      await writeFileAtomic(path, await contactSheet({ title, subtitle, tiles }));
      written.push(path);
    }
  }
  return written;
}
