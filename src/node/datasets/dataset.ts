import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { countText } from '../../common/count-text.js';
import { type Setting, UserError } from '../../common/errors.js';
import { increase, itemAt } from '../../common/item-at.js';
import { compareLabels, isNumbered, numberedOtherwise } from '../../common/label-sets.js';
import { inOneForm, type LabelSet, labelProblem } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import { countsOf, heldOut } from '../../common/sampling.js';
import { checkPath } from '../files/check-path.js';
import { explainFileError } from '../files/files.js';
import { classesOf } from './classes.js';
import { descriptionFile } from './dataset-description.js';
import { findSplit } from './splits.js';
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
  /** Its folder in the root; `.` where the class folders lie directly in the root. */
  readonly split: string;
  /** Of all splits together; `classCounts` tells which of them this one has pictures of. */
  readonly labels: LabelSet;
  readonly samples: readonly Sample[];
  /** True where the samples are `.npy` files of float32 [C, S, S], resized and normalised already. */
  readonly tensors?: boolean;
  /** What the user should know about the folders: a sentence each. */
  readonly notes?: readonly string[];
}

export interface DatasetOptions {
  /**
   * The index order wanted. It names folders that do not tell (`1`..`7`, in sorted order); folders with names are found
   * among these labels (synonyms count) and take their indices.
   */
  readonly labels?: LabelSet;
  /** Keep pictures without a majority among their votes (default false: right for accuracy and for hard labels). */
  readonly keepNonMajority?: boolean;
  /** What errors call the split's setting (default `split`). */
  readonly setting?: Setting;
}

/** Index in `wanted` of each of the dataset's own labels. */
function indicesIn(wanted: LabelSet, own: LabelSet, root: string): readonly number[] {
  if (isNumbered(own.labels) && !isNumbered(wanted.labels)) {
    if (own.labels.length === wanted.labels.length) {
      const because = numberedOtherwise(own.labels, wanted);
      if (because === undefined) return own.labels.map((_, i) => i);
      throw new UserError(
        `${root} does not follow ${wanted.name}: ${because}; choose the label set that it follows, or write ${descriptionFile}.`,
      );
    }
    throw new UserError(
      `${root} has ${countText(own.labels.length, 'numbered class folder')}, but ${wanted.name} has ${wanted.labels.length} labels; ` +
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
    const to = itemAt(mapping, i);
    increase(shares, to, vote / total);
  });
  return shares;
}

async function readVotes(base: string, labels: number): Promise<ReadonlyMap<string, PictureVotes>> {
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
 * The classes are those of all splits together (`classesOf`): a split may lack pictures of some.
 *
 * @param split its folder's name, or what it is for (`findSplit`): `train` finds `Training/`
 * @throws UserError for a missing root or split, a split without pictures, folders that are unknown or no classes,
 * symbolic links in a circle, and files that do not fit.
 */
export async function loadDataset(root: string, split: string, options: DatasetOptions = {}): Promise<Dataset> {
  const { labels: wanted, keepNonMajority = false, setting } = options;
  checkPath(root, 'The folder of the dataset');
  const at = resolve(root);
  const found = await findSplit(at, split, setting);
  const base = join(at, found);
  const { own, folders, tensors, notes } = await classesOf(at, found);
  const labels = wanted ?? own;
  checkLabels(labels, at);
  const mapping = wanted === undefined ? own.labels.map((_, i) => i) : indicesIn(wanted, own, at);
  const votes = await readVotes(base, own.labels.length);
  const samples: Sample[] = [];
  for (const { folder, label: ownLabel, pictures } of folders) {
    const label = mapping[ownLabel];
    if (label === undefined) throw new Error(`Class folder ${folder} has the label ${ownLabel}, which is none.`);
    for (const picture of pictures) {
      const vote = votes.size === 0 ? undefined : votes.get(inOneForm(`${folder}/${picture}`));
      const majority = vote?.majority ?? true;
      if (!majority && !keepNonMajority) continue;
      const sample = { path: join(base, folder, picture), label, majority };
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
  return { root: at, split: found, labels, samples, notes, ...(tensors ? { tensors } : {}) };
}

/** Pictures per label, in index order. */
export function classCounts(dataset: Dataset): number[] {
  const labels = dataset.samples.map(({ label }) => label);
  return countsOf(labels, dataset.labels.labels.length);
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
  const decided = dataset.samples.map(({ label, majority }) => (majority ? label : undefined));
  const held = heldOut(decided, dataset.labels.labels.length, fraction, seed);
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
