import { join } from 'node:path';
import { type Setting, UserError } from '../../common/errors.js';
import { inOneForm } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import { typeInWords } from '../../common/type-in-words.js';
import { checkPath } from '../files/check-path.js';
import { exists } from '../files/path-kind.js';
import { readDescription } from './dataset-description.js';
import { byCodePoint, foldersIn, isFolder } from './folders.js';

/** What a split is for; also the usual name of its folder. */
export const splitRoles = ['train', 'valid', 'test'] as const;
export type SplitRole = (typeof splitRoles)[number];

/** Names of split folders, without what {@link splitRole} takes off. */
const synonyms: Readonly<Record<SplitRole, readonly string[]>> = {
  train: ['train', 'training', 'trn'],
  // FER2013 calls its validation pictures the public test, and its test pictures the private one.
  valid: ['valid', 'val', 'validation', 'validate', 'dev', 'devel', 'development', 'eval', 'evaluation', 'publictest'],
  test: ['test', 'testing', 'tst', 'privatetest'],
};
const roles: ReadonlyMap<string, SplitRole> = new Map(
  splitRoles.flatMap((role) => synonyms[role].map((name) => [name, role] as const)),
);

/**
 * What a folder of this name is for, if it is a split's: `Train`, `TRAINING`, `train_set` and `train images` are all for
 * training. Other folders are classes.
 */
export function splitRole(folder: string): SplitRole | undefined {
  const plain = inOneForm(folder)
    .toLowerCase()
    .replace(/[\s._-]+/g, '');
  return roles.get(plain) ?? roles.get(plain.replace(/(set|split|data|images|pictures)$/, ''));
}

/**
 * Split folders of a dataset, those for training first, then validation, then test; `.` where the class folders lie in the
 * root itself. What `dataset.json` names as a class folder is no split.
 * @throws UserError where there is no such folder, or its `dataset.json` cannot be used.
 */
export async function splitsOf(root: string): Promise<string[]> {
  checkPath(root, 'The folder of the dataset');
  if (!(await isFolder(root))) {
    const what = (await exists(root))
      ? `${root} is no folder; give the folder of a dataset`
      : `There is no dataset folder ${root}; check the path`;
    throw new UserError(`${what}.`, 'input', { settings: ['data'] });
  }
  const classes = (await readDescription(root))?.folders;
  const found = (await foldersIn(root)).flatMap((folder) => {
    const role = splitRole(folder);
    return role === undefined || classes?.has(inOneForm(folder)) === true ? [] : [{ folder, role }];
  });
  found.sort((a, b) => splitRoles.indexOf(a.role) - splitRoles.indexOf(b.role) || byPlainness(a.folder, b.folder));
  return found.length > 0 ? found.map(({ folder }) => folder) : ['.'];
}

/** The usual name of a role comes first. */
function byPlainness(a: string, b: string): number {
  const isUsual = (name: string): number => Number(splitRoles.some((role) => role === name));
  return isUsual(b) - isUsual(a) || byCodePoint(a, b);
}

/** Whether two names, perhaps of two copies of a dataset, stand for one split: `train` and `Training`. */
export function isSameSplit(a: string, b: string): boolean {
  return inOneForm(a) === inOneForm(b) || (splitRole(a) !== undefined && splitRole(a) === splitRole(b));
}

/**
 * The split that a name stands for: the folder of that very name, else the only one for the same purpose (`train` finds
 * `Training`); undefined where there is none.
 * @throws UserError where several are for that purpose.
 */
export function splitAmong(splits: readonly string[], wanted: string, setting: Setting = 'split'): string | undefined {
  const exact = splits.find((split) => inOneForm(split) === inOneForm(wanted));
  if (exact !== undefined) return exact;
  const role = splitRole(wanted);
  const same = role === undefined ? [] : splits.filter((split) => splitRole(split) === role);
  if (same.length <= 1) return same[0];
  const names = same.map((split) => `'${printable(split)}'`).join(' and ');
  throw new UserError(`The splits ${names} are both meant by '${printable(wanted)}'; name one of them.`, 'input', {
    settings: [setting],
  });
}

/**
 * The split of a dataset that a name stands for: one of {@link splitsOf}, or any folder of that name that holds folders.
 * @param setting what an error calls the setting that names it
 * @throws UserError where there is none, or more than one.
 */
export async function findSplit(root: string, wanted: string, setting: Setting = 'split'): Promise<string> {
  if (typeof wanted !== 'string') {
    throw new UserError(`The split is ${typeInWords(wanted)}; give its name, such as test.`, 'usage', {
      settings: [setting],
    });
  }
  const fail = (sentence: string): UserError => new UserError(sentence, 'input', { settings: [setting] });
  const splits = await splitsOf(root);
  const found = splitAmong(splits, wanted, setting);
  if (found !== undefined) return found;
  const folders = await foldersIn(root);
  const named = folders.find((folder) => inOneForm(folder) === inOneForm(wanted));
  if (named !== undefined && (await foldersIn(join(root, named))).length > 0) return named;
  const none = `Dataset ${root} has no split '${printable(wanted)}'`;
  if (splits[0] !== '.') throw fail(`${none}; it has the splits ${splits.map((s) => printable(s)).join(', ')}.`);
  const holders: string[] = [];
  for (const folder of folders) if ((await foldersIn(join(root, folder))).length > 1) holders.push(folder);
  if (holders.length === 0) throw fail(`${none}; it has no split folders: use split '.'.`);
  const names = holders.slice(0, 4).map((folder) => `'${printable(folder)}'`);
  throw fail(
    `${none}; where ${names.join(', ')} hold${holders.length === 1 ? 's' : ''} class folders, name one as the split, ` +
      "and where they are classes, use split '.'.",
  );
}

/**
 * The split of those that figures are reported on unless another is named: the one for test, else the one for validation,
 * else all pictures; undefined where that is not plain.
 */
export function reportedSplitOf(splits: readonly string[]): string | undefined {
  for (const role of ['test', 'valid'] as const) {
    const of = splits.filter((split) => splitRole(split) === role);
    if (of.length > 1) return of.find((split) => split === role);
    if (of.length === 1) return of[0];
  }
  return splits.find((split) => split === '.');
}
