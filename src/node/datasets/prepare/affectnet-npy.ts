import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../../common/errors.js';
import { forEachParallel } from '../../../common/parallel.js';
import { printable } from '../../../common/printable.js';
import { explainFileError } from '../../files/files.js';
import { byCodePoint, isFolder } from '../folders.js';
import { type AffectNetKind, expressions, labelOfExpression } from './affectnet-expressions.js';
import { readNpyNumber } from './npy-number.js';
import { LeftOut, type Problems, type Release, type ReleasePicture, safePath } from './release.js';

/** Annotation files read at once: each is a wait for the disk. */
const atOnce = 32;

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort(byCodePoint);
  } catch (error) {
    throw explainFileError(error, 'read', folder);
  }
}

/** `7` of `7_exp.npy` or `7.jpg`. */
const stem = (name: string): string => name.replace(/(_exp)?\.[^.]*$/, '');

async function readSet(
  base: string,
  split: string,
  kind: AffectNetKind,
  leftOut: LeftOut,
  problems: Problems,
  signal: AbortSignal | undefined,
): Promise<ReleasePicture[]> {
  const annotations = join(base, 'annotations');
  const images = join(base, 'images');
  const files = (await namesIn(annotations)).filter((name) => name.endsWith('_exp.npy'));
  const pictures = new Map(
    (await namesIn(images)).filter((name) => /\.(jpe?g|png)$/i.test(name)).map((name) => [stem(name), name]),
  );
  const labels = new Map<string, number | string>();
  await forEachParallel(
    files,
    atOnce,
    async (name) => {
      const path = join(annotations, name);
      try {
        const value = await readNpyNumber(path);
        const label = labelOfExpression(value, kind);
        if (label !== undefined) labels.set(name, label);
        else problems.add(`${path} has the expression ${value}, not one of 0 to ${expressions.length - 1}`);
      } catch (error) {
        if (!(error instanceof UserError) || error.kind !== 'input') throw error;
        problems.addError(error);
      }
    },
    signal,
  );
  const found: ReleasePicture[] = [];
  for (const file of files) {
    const picture = pictures.get(stem(file));
    const by = join(annotations, file);
    pictures.delete(stem(file));
    const label = labels.get(file);
    if (label === undefined) continue;
    if (picture === undefined) {
      problems.add(`${by} has no picture beside it (${join(images, `${printable(stem(file))}.jpg`)})`);
    } else if (typeof label === 'string') {
      leftOut.add(split, label);
    } else {
      const name = safePath(picture, { by: images }, problems);
      if (name !== undefined) found.push({ split, label, from: join(images, name), name, origin: { by } });
    }
  }
  const [lonely] = pictures.values();
  if (lonely !== undefined) {
    problems.add(
      `${join(images, printable(lonely))} has no annotation (${join(annotations, `${printable(stem(lonely))}_exp.npy`)})` +
        (pictures.size > 1 ? `, nor have ${pictures.size - 1} more` : ''),
    );
  }
  return found;
}

/** The newer release: `train_set/images/7.jpg` with `train_set/annotations/7_exp.npy`, and `val_set`. */
export async function readAnnotations(
  src: string,
  sets: readonly (readonly [folder: string, split: string])[],
  kind: AffectNetKind,
  problems: Problems,
  signal: AbortSignal | undefined,
): Promise<Release> {
  const leftOut = new LeftOut();
  const pictures: ReleasePicture[] = [];
  const splits: string[] = [];
  for (const [folder, split] of sets) {
    const base = join(src, folder);
    if (!(await isFolder(base))) continue;
    splits.push(split);
    for (const picture of await readSet(base, split, kind, leftOut, problems, signal)) pictures.push(picture);
  }
  const { labels, folders } = kind;
  return { layout: 'pictures and .npy annotations', labels, folders, splits, pictures, leftOut, warnings: [] };
}
