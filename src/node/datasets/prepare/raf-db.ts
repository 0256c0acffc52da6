import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../../../common/errors.js';
import { rafdb } from '../../../common/label-sets.js';
import { printable } from '../../../common/printable.js';
import { isFile } from '../../files/path-kind.js';
import { type ClassFolders, hasClassFolders, readClassFolders } from './class-folders.js';
import { LeftOut, originText, type Problems, type Release, type ReleasePicture, safePath } from './release.js';
import { readRows } from './rows.js';

/** The release counts from 1. */
const folders = rafdb.labels.map((_, i) => String(i + 1));
const reported = 'valid';

const byNumber: ClassFolders = {
  labels: rafdb,
  folders,
  reported,
  labelOf: (folder) => (folders.includes(folder) ? folders.indexOf(folder) : undefined),
};

/** The file is spelt so in the release; the other name is for those who mended it. */
const listNames = ['list_patition_label.txt', 'list_partition_label.txt'];
const listFolders = ['EmoLabel', 'basic/EmoLabel', '.', 'basic'];
const pictureFolders = ['Image/aligned', 'basic/Image/aligned', 'aligned', '.'];

async function findList(src: string): Promise<string | undefined> {
  for (const folder of listFolders) {
    for (const name of listNames) {
      const path = join(src, folder, name);
      if (await isFile(path)) return path;
    }
  }
  return undefined;
}

/** The folder that holds aligned pictures: `train_00001_aligned.jpg`. */
async function findPictures(src: string): Promise<string> {
  for (const folder of pictureFolders) {
    const path = join(src, folder);
    const names = await readdir(path).catch(() => []);
    if (names.some((name) => /_aligned\.(jpe?g|png)$/i.test(name))) return path;
  }
  throw new UserError(
    `${src} has the labels of RAF-DB but no aligned pictures (train_00001_aligned.jpg) in ${pictureFolders.slice(0, 3).join(', ')} ` +
      'or itself; unpack aligned.zip of the release there.',
  );
}

async function readList(path: string, pictureFolder: string, problems: Problems): Promise<ReleasePicture[]> {
  const present = new Set(await readdir(pictureFolder));
  const known = new Set<string>();
  const pictures: ReleasePicture[] = [];
  for await (const { line, fields } of readRows(path, ' ')) {
    const origin = { by: path, line };
    const [listed = '', label = '', ...more] = fields.filter((field) => field !== '');
    if (label === '' || more.length > 0) {
      problems.add(`${originText(origin)} is not a picture and its label ('train_00001.jpg 5')`);
      continue;
    }
    const name = safePath(listed, origin, problems);
    if (name === undefined) continue;
    const split = /^(train|test)_/.exec(basename(name))?.[1];
    if (name.includes('/') || split === undefined) {
      problems.add(`${originText(origin)} names '${printable(name, 60)}', which begins with neither train_ nor test_`);
    } else if (!folders.includes(label)) {
      problems.add(`${originText(origin)} has the label '${printable(label, 20)}', not one of 1 to ${folders.length}`);
    } else if (known.has(name)) {
      problems.add(`${originText(origin)} repeats the picture '${name}'`);
    } else {
      known.add(name);
      const aligned = name.replace(/(_aligned)?(\.[a-z]+)$/i, '_aligned$2');
      const file = !present.has(aligned) && present.has(name) ? name : aligned;
      const from = join(pictureFolder, file);
      pictures.push({
        split: split === 'train' ? 'train' : reported,
        label: Number(label) - 1,
        from,
        name: file,
        origin: origin,
      });
    }
  }
  return pictures;
}

/**
 * RAF-DB's basic emotions: the label list with aligned pictures (in the release's folders, or all in one), or class
 * folders `1` .. `7`. Its test pictures become `valid`, as in the published code.
 */
export async function readRafDb(src: string, problems: Problems): Promise<Release> {
  const list = await findList(src);
  if (list !== undefined) {
    return {
      layout: 'label list and aligned pictures',
      labels: rafdb,
      folders,
      splits: ['train', reported],
      pictures: await readList(list, await findPictures(src), problems),
      leftOut: new LeftOut(),
      warnings: [],
    };
  }
  if (await hasClassFolders(src, byNumber)) return await readClassFolders(src, byNumber, problems);
  throw new UserError(
    `${src} is not RAF-DB: it has neither ${listFolders[0]}/${listNames[0]} (or ${listNames[0]} itself) nor train/1 .. train/7.`,
  );
}
