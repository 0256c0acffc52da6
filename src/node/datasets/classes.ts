import { basename, join } from 'node:path';
import { UserError } from '../../common/errors.js';
import { canonicalLabel, isNumbered } from '../../common/label-sets.js';
import { inOneForm, type LabelSet, longestLabel } from '../../common/labels.js';
import { pictureName } from '../../common/picture-names.js';
import { printable } from '../../common/printable.js';
import { type Description, descriptionFile, readDescription } from './dataset-description.js';
import { byCodePoint, foldersIn, holdsPictures, picturesIn, tensorName } from './folders.js';
import { checkNesting, type HeldPictures } from './nested.js';
import { splitsOf } from './splits.js';

/** A class folder of a split. Several may hold one label. */
export interface ClassFolder extends HeldPictures {
  /** Index into the dataset's own labels. */
  readonly label: number;
}

export interface Classes {
  /** Of all splits together: one split may lack pictures of some. */
  readonly own: LabelSet;
  /** Those of the split that hold pictures, in ImageFolder's order. */
  readonly folders: readonly ClassFolder[];
  /** The pictures are `.npy` files. */
  readonly tensors: boolean;
  /** What the user should know: a sentence each. */
  readonly notes: readonly string[];
}

/**
 * The classes of a dataset, and the folders of one split that hold their pictures: as `dataset.json` says, else by the names
 * of the folders of all splits, sorted.
 * @param split that is there (`findSplit`)
 * @throws UserError for a split without pictures, and where it cannot be known which folder is which class.
 */
export async function classesOf(root: string, split: string): Promise<Classes> {
  const base = join(root, split);
  const description = await readDescription(root);
  const wanted = description?.tensors === true ? tensorName : pictureName;
  const folders = await foldersIn(base);
  if (folders.length === 0) {
    throw new UserError(`${base} holds no class folders; put each class's pictures into a folder of its own there.`);
  }
  const held: HeldPictures[] = [];
  for (const folder of folders) held.push({ folder, pictures: await picturesIn(join(base, folder), wanted) });
  if (held.every(({ pictures }) => pictures.length === 0)) {
    const what = wanted === tensorName ? '.npy files' : 'pictures';
    throw new UserError(`No class folder in ${base} holds ${what}; add some, or give the folder that does.`);
  }
  const found = description === undefined ? await byName(root, split, held) : described(root, base, held, description);
  const empty = held.filter(({ folder, pictures }) => pictures.length === 0 && found.labelOf(folder) === undefined);
  return {
    own: found.own,
    folders: held.flatMap((one) => {
      const label = found.labelOf(one.folder);
      return label === undefined || one.pictures.length === 0 ? [] : [{ ...one, label }];
    }),
    tensors: description?.tensors === true,
    notes: [
      ...found.notes,
      ...empty.map(({ folder }) => `Folder ${printable(join(base, folder), 300)} holds no pictures: it is no class.`),
    ],
  };
}

/** The folder's name need not be one that a checkpoint can hold: it only says what the set is called. */
const nameOf = (root: string): string => printable(inOneForm(basename(root)), longestLabel);

interface Found {
  readonly own: LabelSet;
  /** Index of the label that a folder holds; undefined: none. */
  readonly labelOf: (folder: string) => number | undefined;
  readonly notes: readonly string[];
}

function described(
  root: string,
  base: string,
  held: readonly HeldPictures[],
  { name, labels, folders: given }: Description,
): Found {
  const own = { name: name ?? nameOf(root), labels };
  const names = held.map(({ folder }) => inOneForm(folder));
  const labelOf = (folder: string): number | undefined => {
    const label = given === undefined ? namesakeOf(folder, labels, names) : given.get(inOneForm(folder));
    return label === undefined ? undefined : labels.indexOf(label);
  };
  for (const { folder, pictures } of held) {
    if (pictures.length === 0 || labelOf(folder) !== undefined) continue;
    throw new UserError(
      given === undefined
        ? `Folder ${join(base, folder)} is called as none of the 'labels' of ${descriptionFile}; give its label in 'folders' there.`
        : `Folder ${join(base, folder)} is not among the 'folders' of ${descriptionFile}; add it there or move it away.`,
    );
  }
  return { own, labelOf, notes: [] };
}

/** The label that a folder is called as, or whose number it is, where the folders are all numbers from 0 or from 1. */
function namesakeOf(folder: string, labels: readonly string[], names: readonly string[]): string | undefined {
  const exact = labels.find((label) => label === inOneForm(folder));
  if (exact !== undefined) return exact;
  const same = labels.filter((label) => canonicalLabel(label) === canonicalLabel(folder));
  if (same.length > 0) return same.length === 1 ? same[0] : undefined;
  if (!isNumbered(names) || names.length !== labels.length) return undefined;
  const numbers = names.map(Number).sort((a, b) => a - b);
  const [first = -1] = numbers;
  const isCount = (first === 0 || first === 1) && numbers.every((number, i) => number === first + i);
  return isCount ? labels[Number(folder) - first] : undefined;
}

/** What folders of different splits have in common where they hold one class: `0-Happy`, `happiness`; `01`, `1`. */
const keyOf = (name: string): string => canonicalLabel(name).replace(/^0+(?=\d+$)/, '');

/**
 * Without a description the index is the rank among the classes of all splits: those of one alone would shift where it
 * lacks a class.
 */
async function byName(root: string, split: string, held: readonly HeldPictures[]): Promise<Found> {
  const notes = checkNesting(join(root, split), held);
  const splits = (await splitsOf(root)).filter((one) => one !== '.');
  const bySplit = new Map<string, string[]>();
  for (const one of splits.includes(split) ? splits : [...splits, split]) {
    const folders = one === split ? held.map(({ folder }) => folder) : await foldersIn(join(root, one));
    if (folders.length > 0) bySplit.set(one, folders);
  }
  const hasPictures = async (one: string, folder: string): Promise<boolean> => {
    const own = one === split ? held.find((other) => other.folder === folder) : undefined;
    return own === undefined ? await holdsPictures(join(root, one, folder)) : own.pictures.length > 0;
  };
  // Two folders of one split that differ are two classes, whatever their names mean.
  const several = new Set(
    [...bySplit.values()].flatMap((folders) => {
      const keys = [...new Set(folders.map(inOneForm))].map(keyOf);
      return keys.filter((key, i) => keys.indexOf(key) !== i);
    }),
  );
  const classOf = (folder: string): string => (several.has(keyOf(folder)) ? inOneForm(folder) : keyOf(folder));
  const isCounted = isNumbered([...bySplit.values()].flat());
  const names = new Map<string, string>();
  for (const [one, folders] of bySplit) {
    for (const folder of folders) {
      if (names.has(classOf(folder))) continue;
      // A number says its place in an order, so that it is needed even where it holds nothing.
      if (isCounted || (await hasPictures(one, folder))) names.set(classOf(folder), inOneForm(folder));
    }
  }
  requireCommon(root, bySplit, classOf, isCounted);
  const labels = [...names.values()].sort(byCodePoint);
  const indices = new Map([...names].map(([key, name]) => [key, labels.indexOf(name)]));
  return { own: { name: nameOf(root), labels }, labelOf: (folder) => indices.get(classOf(folder)), notes };
}

/** @throws UserError for splits that cannot be of one dataset: without a common class, or numbered from 0 here and from 1 there. */
function requireCommon(
  root: string,
  bySplit: ReadonlyMap<string, readonly string[]>,
  classOf: (folder: string) => string,
  isCounted: boolean,
): void {
  const [first, ...others] = bySplit;
  if (first === undefined) return;
  for (const other of others) {
    const lackedBy = ([, there]: typeof first, [, here]: typeof first): string | undefined => {
      const classes = new Set(here.map(classOf));
      return there.find((folder) => !classes.has(classOf(folder)));
    };
    const [missing, extra] = [lackedBy(first, other), lackedBy(other, first)];
    const isApart = other[1].every((folder) => !first[1].some((one) => classOf(one) === classOf(folder)));
    if (missing === undefined || extra === undefined || !(isCounted || isApart)) continue;
    throw new UserError(
      `The class folders of ${printable(first[0])}/ and ${printable(other[0])}/ in ${root} differ ` +
        `(${printable(other[0])}/ lacks '${printable(missing)}', ${printable(first[0])}/ lacks '${printable(extra)}')` +
        `${isCounted ? ', so their numbering would too' : ' in all their names'}; make them the same or write ${descriptionFile}.`,
    );
  }
}
