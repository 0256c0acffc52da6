import { realpath } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../../common/errors.js';
import { inOneForm } from '../../common/labels.js';
import { requireFolder } from '../datasets/folders.js';

/** A picture, and what its crops are called. Paths are relative to the source and to the output, `/` between parts. */
export interface PlannedPicture {
  readonly picture: string;
  /** Path of its first crop without the ending; further ones are `STEM~2`, `STEM~3`. */
  readonly stem: string;
}

/** Where two names are one file: some disks tell neither case nor Unicode forms apart. */
const keyOf = (path: string): string => inOneForm(path).toLowerCase();

/**
 * Names for the crops of pictures: as the picture (`a/1.jpg`: `a/1`), and with its ending where another has that name
 * (`a/1.jpg.png` beside `a/1.png`).
 * @param taken names that an earlier run gave
 */
export function planCrops(pictures: readonly string[], taken: ReadonlyMap<string, string>): PlannedPicture[] {
  const used = new Set([...taken.values()].map(keyOf));
  return pictures.map((picture) => {
    const before = taken.get(picture);
    if (before !== undefined) return { picture, stem: before };
    const plain = picture.slice(0, picture.length - extname(picture).length);
    let stem = /~\d+$/.test(plain) ? picture : plain;
    for (let n = 1; used.has(keyOf(stem)); n++) stem = n === 1 ? picture : `${picture}~x${n}`;
    used.add(keyOf(stem));
    return { picture, stem };
  });
}

/** Path of a picture's crops, counted from 1. */
export const cropName = (stem: string, face: number): string => `${stem}${face === 1 ? '' : `~${face}`}.png`;

/** Where a path really is, or would be. */
async function canonicalPath(path: string): Promise<string> {
  const at = resolve(path);
  const real = await realpath(at).catch(() => undefined);
  if (real !== undefined || dirname(at) === at) return real ?? at;
  return join(await canonicalPath(dirname(at)), basename(at));
}

/**
 * That writing below `out` cannot touch what is below `src`.
 * @throws UserError where there is no folder `src`, or one of them is within the other.
 */
export async function checkApart(src: string, out: string): Promise<void> {
  await requireFolder(src, 'give the one that holds the pictures');
  const [from, to] = [await canonicalPath(src), await canonicalPath(out)];
  const isWithin = (inner: string, outer: string): boolean => {
    const path = relative(outer, inner);
    return path === '' || !(path === '..' || path.startsWith(`..${sep}`) || resolve(path) === path);
  };
  if (!isWithin(from, to) && !isWithin(to, from)) return;
  throw new UserError(`${out} and ${src} lie within each other; choose a folder apart for the crops.`);
}
