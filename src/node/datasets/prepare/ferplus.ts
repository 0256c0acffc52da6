import { join } from 'node:path';
import { UserError } from '../../../common/errors.js';
import { ferplus } from '../../../common/label-sets.js';
import { holdsPictures, isFolder } from '../folders.js';
import { findFerPlusFiles, readFerPlusFiles } from './ferplus-csv.js';
import { ferPlusLabel, noEmotion, parseFerPlusEntry } from './ferplus-labels.js';
import { LeftOut, originText, type Problems, type Release, type ReleasePicture } from './release.js';
import { readRows } from './rows.js';

const sources = [
  ['FER2013Train', 'train'],
  ['FER2013Valid', 'valid'],
  ['FER2013Test', 'test'],
] as const;

async function readSplit(
  folder: string,
  split: string,
  leftOut: LeftOut,
  problems: Problems,
): Promise<ReleasePicture[]> {
  const path = join(folder, 'label.csv');
  const pictures: ReleasePicture[] = [];
  const listed = new Set<string>();
  for await (const { line, fields } of readRows(path)) {
    const origin = { by: path, line };
    const entry = parseFerPlusEntry(fields);
    if (typeof entry === 'string') {
      problems.add(`${originText(origin)} ${entry}`);
      continue;
    }
    const { image } = entry;
    if (listed.has(image)) {
      problems.add(`${originText(origin)} repeats the picture '${image}'`);
      continue;
    }
    listed.add(image);
    const voted = ferPlusLabel(entry.votes);
    if (voted === undefined) {
      leftOut.add(split, noEmotion);
      continue;
    }
    const { label, majority, votes } = voted;
    pictures.push({ split, label, from: join(folder, image), name: image, origin: origin, votes: { majority, votes } });
  }
  if (listed.size === 0) throw new UserError(`${path} has no lines; take the file from the FER+ release again.`);
  if (pictures.length === 0) throw new UserError(`${path} has no picture with an emotion; check the file.`);
  return pictures;
}

/**
 * The FER+ release: `FER2013Train/`, `FER2013Valid/`, `FER2013Test/` (those that are there), each with pictures and a
 * `label.csv`, become `train`, `valid`, `test`; the votes of the eight emotions are kept, and whether there is a majority
 * (see `ferPlusLabel`). Where the folders have no pictures, or are not there, FER2013's `fer2013.csv` with FER+'s
 * `fer2013new.csv`.
 */
export async function readFerPlus(src: string, problems: Problems): Promise<Release> {
  const leftOut = new LeftOut();
  const present: (readonly [folder: string, split: string])[] = [];
  for (const [name, split] of sources) if (await isFolder(join(src, name))) present.push([join(src, name), split]);
  // A clone of FER+'s repository has the folders with their lists alone.
  const [first] = present;
  if (first === undefined || !(await holdsPictures(first[0]))) {
    const files = await findFerPlusFiles(src);
    if (files !== undefined) {
      const found = await readFerPlusFiles(files, leftOut, problems);
      return { ...described, layout: 'fer2013.csv and fer2013new.csv', ...found, leftOut };
    }
  }
  const pictures: ReleasePicture[] = [];
  const splits: string[] = [];
  for (const [folder, split] of present) {
    splits.push(split);
    for (const picture of await readSplit(folder, split, leftOut, problems)) pictures.push(picture);
  }
  if (splits.length === 0) {
    throw new UserError(
      `${src} is not the FER+ release: it has none of ${sources.map(([name]) => `${name}/`).join(', ')}, nor fer2013.csv ` +
        'with fer2013new.csv.',
    );
  }
  return { ...described, layout: 'pictures and votes', splits, pictures, leftOut };
}

const described = {
  labels: ferplus,
  // Sorts in index order and reads well: `3-sadness`.
  folders: ferplus.labels.map((label, i) => `${i}-${label}`),
  warnings: [],
};
