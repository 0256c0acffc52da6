import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from '../common/errors.js';
import { explainFileError, parseJson, printable } from '../common/files.js';
import { compareLabels, isNumbered, numberedOtherwise } from '../common/label-sets.js';
import { type LabelSet, labelProblem, longestLabel } from '../common/labels.js';
import { random } from '../common/random.js';
import { foldersIn, isFolder, pictureName, picturesIn, tensorName } from './folders.js';
import { type PictureVotes, parseVotes, votesFile } from './votes.js';

/** One picture of a dataset. */
export interface Sample {
  /** Absolute path. */
  readonly path: string;
  /** Index into the dataset's labels. */
  readonly label: number;
  /** Share of the votes per label (sums to 1), where the dataset keeps them. */
  readonly distribution?: Float32Array;
  /** False where no label has a majority of the votes: usable for training on distributions, left out of accuracy. */
  readonly majority: boolean;
}

export interface Dataset {
  /** Absolute path of the dataset's folder. */
  readonly root: string;
  /** One of {@link splitNames}, or `.` where the class folders lie directly in the root. */
  readonly split: string;
  readonly labels: LabelSet;
  readonly samples: readonly Sample[];
  /** True where the samples are `.npy` files of float32 [C, S, S], resized and normalised already. */
  readonly tensors?: boolean;
}

export interface DatasetOptions {
  /**
   * The index order wanted. It names folders that do not tell (`1`..`7`, in sorted order); folders with names are found
   * among these labels (synonyms count) and take their indices.
   */
  readonly labels?: LabelSet;
  /** Keep pictures without a majority among their votes (default false: right for accuracy and for hard labels). */
  readonly keepNonMajority?: boolean;
}

/** `dataset.json` in the root of a dataset: says which folder is which label, where folder names alone would not. */
export const descriptionFile = 'dataset.json';
/** Split folders; other folders in a root are classes. */
export const splitNames = ['train', 'valid', 'val', 'validation', 'test'] as const;

const labelName = z.string().trim().min(1).max(100);
const descriptionSchema = z.strictObject({
  name: labelName,
  /** In index order. */
  labels: z.array(labelName).min(2).max(10_000),
  /** Class folder -> label. Several folders may hold one label. */
  folders: z.record(z.string(), labelName),
  /** The class folders hold pictures prepared elsewhere: `.npy` files of float32 [C, S, S], normalised. */
  tensors: z.boolean().exactOptional(),
});
export type DatasetDescription = z.infer<typeof descriptionSchema>;

async function readDescription(root: string): Promise<DatasetDescription | undefined> {
  const path = join(root, descriptionFile);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw explainFileError(error, 'read', path);
  }
  const description = parseJson(text, descriptionSchema, path);
  if (new Set(description.labels).size !== description.labels.length) {
    throw new UserError(`${path} has a label twice in 'labels'; remove one.`);
  }
  for (const [folder, label] of Object.entries(description.folders)) {
    if (!description.labels.includes(label)) {
      throw new UserError(
        `${path} gives folder '${printable(folder)}' the label '${printable(label)}', which 'labels' lacks; add it.`,
      );
    }
  }
  return description;
}

/** Splits a dataset's folder has: those of {@link splitNames} that exist, else `.`. */
export async function splitsOf(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of splitNames) if (await isFolder(join(root, name))) found.push(name);
  return found.length > 0 ? found : ['.'];
}

/** The split of those that figures are reported on unless another is named: `test`, else `valid`, else all pictures. */
export function reportedSplitOf(splits: readonly string[]): string | undefined {
  return ['test', 'valid', 'val', 'validation', '.'].find((name) => splits.includes(name));
}

/** Which label each class folder holds: from `dataset.json`, else the folders themselves, sorted. */
async function foldersToLabels(
  root: string,
  split: string,
): Promise<{
  readonly own: LabelSet;
  readonly folders: readonly (readonly [folder: string, label: number])[];
  readonly tensors: boolean;
}> {
  const base = join(root, split);
  const present = await foldersIn(base);
  if (present.length === 0) {
    throw new UserError(`${base} holds no class folders; put each class's pictures into a folder of its own there.`);
  }
  const description = await readDescription(root);
  if (description !== undefined) {
    const own = { name: description.name, labels: description.labels };
    const known = new Map(Object.entries(description.folders));
    const folders = present.map((folder) => {
      const label = known.get(folder);
      if (label === undefined) {
        throw new UserError(
          `Folder ${join(base, folder)} is not among the 'folders' of ${descriptionFile}; add it there or move it away.`,
        );
      }
      return [folder, own.labels.indexOf(label)] as const;
    });
    return { own, folders, tensors: description.tensors === true };
  }
  // Without a description the index is the rank among the folders present: a folder missing from one split would
  // silently shift all indices behind it.
  for (const other of await splitsOf(root)) {
    if (other === split || split === '.') continue;
    const names = await foldersIn(join(root, other));
    const lacking = [
      ...names.filter((name) => !present.includes(name)).map((name) => `${split}/ lacks '${printable(name)}'`),
      ...present.filter((name) => !names.includes(name)).map((name) => `${other}/ lacks '${printable(name)}'`),
    ];
    if (names.length > 0 && lacking.length > 0) {
      throw new UserError(
        `The class folders of ${split}/ and ${other}/ in ${root} differ (${lacking[0]}), so their numbering would too; ` +
          `make them the same or write ${descriptionFile}.`,
      );
    }
  }
  return {
    // The folder's name need not be one that a checkpoint can hold: it only says what the set is called.
    own: { name: printable(basename(root), longestLabel), labels: present },
    folders: present.map((folder, i) => [folder, i] as const),
    tensors: false,
  };
}

/** Index in `wanted` of each of the dataset's own labels. */
function indicesIn(wanted: LabelSet, own: LabelSet, root: string): readonly number[] {
  if (isNumbered(own.labels)) {
    if (own.labels.length === wanted.labels.length) {
      const because = numberedOtherwise(own.labels, wanted);
      if (because === undefined) return own.labels.map((_, i) => i);
      throw new UserError(
        `${root} does not follow ${wanted.name}: ${because}; choose the label set that it follows, or write ${descriptionFile}.`,
      );
    }
    throw new UserError(
      `${root} has ${own.labels.length} numbered class folders, but ${wanted.name} has ${wanted.labels.length} labels; ` +
        'choose the label set the folders follow.',
    );
  }
  const { mapping } = compareLabels(wanted, own);
  const unknown = own.labels.filter((_, i) => mapping[i] === -1).map((label) => `'${printable(label)}'`);
  if (unknown.length > 0) {
    throw new UserError(
      `${root} has the class ${unknown.slice(0, 3).join(', ')}, which is unknown to ${wanted.name} ` +
        `(${wanted.labels.join(', ')}); rename it, move it away, or use weights that know it.`,
    );
  }
  return mapping;
}

/** @throws UserError where checkpoints cannot hold a label, or the set's name. */
function checkLabels({ name, labels }: LabelSet, root: string): void {
  const check = (what: 'class' | 'name', text: string): void => {
    const problem = labelProblem(text);
    if (problem === undefined) return;
    throw new UserError(
      `${printable(root, 4096)} has the ${what} '${printable(text, 60)}', which no checkpoint can hold: ${problem}; rename it.`,
    );
  };
  check('name', name);
  for (const label of labels) check('class', label);
}

function normalised(votes: readonly number[], mapping: readonly number[], size: number): Float32Array {
  const total = votes.reduce((sum, vote) => sum + vote, 0);
  const shares = new Float32Array(size);
  votes.forEach((vote, i) => {
    const to = mapping[i] ?? 0;
    shares[to] = (shares[to] ?? 0) + vote / total;
  });
  return shares;
}

async function readVotes(base: string, labels: number): Promise<Map<string, PictureVotes>> {
  const path = join(base, votesFile);
  try {
    return parseVotes(await readFile(path, 'utf8'), labels, path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    throw explainFileError(error, 'read', path);
  }
}

/**
 * Lists a class-folder dataset: `root/<split>/<class folder>/**` or, without splits, `root/<class folder>/**` (split
 * `.`). Folders and files come in torchvision ImageFolder's order; hidden ones and other files are passed over.
 * `root/dataset.json` may say which folder is which label, `<split>/votes.jsonl` how people voted (`PictureVotes`).
 * The pictures themselves are not opened.
 *
 * @throws UserError for a missing root or split, an empty or unknown class folder, splits whose folders differ,
 * symbolic links in a circle, and files that do not fit.
 */
export async function loadDataset(root: string, split: string, options: DatasetOptions = {}): Promise<Dataset> {
  const { labels: wanted, keepNonMajority = false } = options;
  const at = resolve(root);
  if (!(await isFolder(at))) throw new UserError(`There is no dataset folder ${at}; check the path.`);
  const splits = await splitsOf(at);
  if (!splits.includes(split)) {
    const has = splits[0] === '.' ? "no split folders: use split '.'" : `the splits ${splits.join(', ')}`;
    throw new UserError(`Dataset ${at} has no split '${printable(split)}'; it has ${has}.`);
  }
  const base = join(at, split);
  const { own, folders, tensors } = await foldersToLabels(at, split);
  const labels = wanted ?? own;
  checkLabels(labels, at);
  const mapping = wanted === undefined ? own.labels.map((_, i) => i) : indicesIn(wanted, own, at);
  const votes = await readVotes(base, own.labels.length);
  const samples: Sample[] = [];
  for (const [folder, label] of folders) {
    const pictures = await picturesIn(join(base, folder), tensors ? tensorName : pictureName);
    if (pictures.length === 0) {
      const what = tensors ? '.npy files' : 'pictures';
      throw new UserError(`Class folder ${join(base, folder)} holds no ${what}; add some or remove the folder.`);
    }
    for (const picture of pictures) {
      const vote = votes.get(`${folder}/${picture}`);
      const majority = vote?.majority ?? true;
      if (!majority && !keepNonMajority) continue;
      const sample = { path: join(base, folder, picture), label: mapping[label] ?? 0, majority };
      samples.push(
        vote === undefined
          ? sample
          : { ...sample, distribution: normalised(vote.votes, mapping, labels.labels.length) },
      );
    }
  }
  if (samples.length === 0) {
    throw new UserError(
      `No picture in ${base} has a majority among its votes; use the ones without, or another split.`,
    );
  }
  return { root: at, split, labels, samples, ...(tensors ? { tensors } : {}) };
}

/** Pictures per label, in index order. */
export function classCounts(dataset: Dataset): number[] {
  const counts = dataset.labels.labels.map(() => 0);
  for (const { label } of dataset.samples) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/**
 * Splits at random, the same fraction of every class, rounded; a class with at least two pictures keeps one on each
 * side. Both parts keep the dataset's order. Pictures without majority always stay in `train`.
 * @param fraction share of the validation part, in (0, 1)
 */
export function holdOut(
  dataset: Dataset,
  fraction: number,
  seed: number,
): { readonly train: Dataset; readonly validation: Dataset } {
  if (!(fraction > 0 && fraction < 1)) {
    throw new UserError(`The share held out for validation is ${fraction}; it must lie between 0 and 1.`);
  }
  const held = new Set<number>();
  dataset.labels.labels.forEach((_, label) => {
    const members = dataset.samples.flatMap((sample, i) => (sample.label === label && sample.majority ? [i] : []));
    if (members.length < 2) return;
    const count = Math.min(members.length - 1, Math.max(1, Math.round(members.length * fraction)));
    const shuffled = random(seed, 'hold-out', label).shuffle(members);
    for (const i of shuffled.slice(0, count)) held.add(i);
  });
  if (held.size === 0) {
    throw new UserError(
      `No class of ${join(dataset.root, dataset.split)} has two pictures, so none can be held out; add pictures.`,
    );
  }
  return {
    train: { ...dataset, samples: dataset.samples.filter((_, i) => !held.has(i)) },
    validation: { ...dataset, samples: dataset.samples.filter((_, i) => held.has(i)) },
  };
}
