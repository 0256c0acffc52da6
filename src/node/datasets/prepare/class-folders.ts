import { join } from 'node:path';
import { UserError } from '../../../common/errors.js';
import type { LabelSet } from '../../../common/labels.js';
import { printable } from '../../../common/printable.js';
import { foldersIn, isFolder, picturesIn } from '../folders.js';
import { type SplitRole, splitRole, splitsOf } from '../splits.js';
import { LeftOut, type Problems, type Release, type ReleasePicture } from './release.js';

export interface ClassFolders {
  readonly labels: LabelSet;
  /** Class folder of each label in the output. */
  readonly folders: readonly string[];
  /** Name of the output's second split: the one that figures are reported on. */
  readonly reported: string;
  /** Index of the label that a folder holds, why it is left out, or undefined where it is unknown. */
  readonly labelOf: (folder: string) => number | string | undefined;
}

/** Folder in the release -> split of the output. */
async function splitsIn(src: string, reported: string): Promise<[folder: string, split: string][]> {
  const present = (await splitsOf(src)).flatMap((folder) => {
    const role = splitRole(folder);
    return role === undefined ? [] : [{ folder, role }];
  });
  const others = present.filter(({ role }) => role !== 'train');
  // Where there is both, a validation split is one, and not what is reported.
  const nameOf = (role: SplitRole): string => (role !== 'train' && others.length === 1 ? reported : role);
  const splits = present.map(({ folder, role }): [string, string] => [folder, nameOf(role)]);
  if (new Set(splits.map(([, split]) => split)).size === splits.length) return splits;
  const names = present.map(({ folder }) => printable(folder)).join(', ');
  throw new UserError(`${src} has more than one split for the same purpose (${names}); leave one of them.`);
}

/** Whether `src` has splits with class folders. */
export async function hasClassFolders(src: string, { labelOf }: ClassFolders): Promise<boolean> {
  for (const [folder] of await splitsIn(src, 'test')) {
    const names = await foldersIn(join(src, folder));
    if (names.some((name) => labelOf(name) !== undefined)) return true;
  }
  return false;
}

/** A release, or what somebody made of it, that is a dataset already but for its labels and the names of its folders. */
export async function readClassFolders(src: string, how: ClassFolders, problems: Problems): Promise<Release> {
  const pictures: ReleasePicture[] = [];
  const leftOut = new LeftOut();
  const splits = await splitsIn(src, how.reported);
  for (const [source, split] of splits) {
    const base = join(src, source);
    for (const folder of await foldersIn(base)) {
      const label = how.labelOf(folder);
      const path = join(base, folder);
      if (label === undefined) {
        problems.add(`Folder ${printable(path, 300)} is no class of ${how.labels.name}`);
        continue;
      }
      for (const name of await picturesIn(path)) {
        if (typeof label === 'string') leftOut.add(split, label);
        else pictures.push({ split, label, from: join(path, name), name, origin: { by: path } });
      }
    }
  }
  return {
    layout: 'class folders',
    labels: how.labels,
    folders: how.folders,
    splits: splits.map(([, split]) => split),
    pictures,
    leftOut,
    warnings: [],
  };
}

/** The first of these paths below `src` that is a folder. */
export async function firstFolder(src: string, candidates: readonly string[]): Promise<string | undefined> {
  for (const one of candidates) if (await isFolder(join(src, one))) return join(src, one);
  return undefined;
}
