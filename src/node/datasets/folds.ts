import { relative, sep } from 'node:path';
import { UserError } from '../../common/errors.js';
import { increase, itemAt } from '../../common/item-at.js';
import { random } from '../../common/random.js';
import type { Dataset } from './dataset.js';

/** One part of k-fold cross-validation: the pictures of fold `index` are held out, those of the others are trained on. */
export interface FoldChoice {
  /** From 1 to `count`. */
  readonly index: number;
  /** At least 2. */
  readonly count: number;
  /** Which pictures go where follows from it and the dataset's paths alone. */
  readonly seed: number;
}

export interface Fold {
  /** Everything else, pictures without a majority label too. Both parts keep the dataset's order. */
  readonly train: Dataset;
  readonly held: Dataset;
  /** Labels with fewer pictures than folds: some folds hold none of theirs. */
  readonly scarce: readonly string[];
}

/**
 * Which fold holds each sample, from 1; 0 for pictures without a majority label, which are in none.
 *
 * Each class is shuffled and dealt to the folds in turn, the next class going on where the last one ended: of any class,
 * and of all together, two folds differ by one picture at most. The order of the labels does not matter, nor where the
 * dataset lies, so that data brought into the order of other weights falls into the same folds.
 *
 * @throws UserError where no class has a picture for every fold.
 */
export function foldsOf(dataset: Dataset, count: number, seed: number): Int32Array {
  const members = new Map<number, number[]>();
  dataset.samples.forEach(({ label, majority }, i) => {
    if (!majority) return;
    const list = members.get(label);
    if (list === undefined) members.set(label, [i]);
    else list.push(i);
  });
  const most = Math.max(0, ...[...members.values()].map((list) => list.length));
  if (!Number.isInteger(count) || count < 2 || count > most) {
    throw new UserError(
      `${count} folds cannot be made: there must be 2 at least, and no more than the largest class has pictures (${most}).`,
    );
  }
  const folds = new Int32Array(dataset.samples.length);
  let next = 0;
  for (const list of members.values()) {
    const first = itemAt(dataset.samples, itemAt(list, 0));
    const name = relative(dataset.root, first.path).replaceAll(sep, '/');
    for (const i of random(seed, 'folds', name).shuffle(list)) {
      folds[i] = (next % count) + 1;
      next++;
    }
  }
  return folds;
}

/**
 * Divides a dataset for one turn of cross-validation.
 * @throws UserError for a fold that is not there, or too many folds.
 */
export function divide(dataset: Dataset, { index, count, seed }: FoldChoice): Fold {
  if (!Number.isInteger(index) || index < 1 || index > count) {
    throw new UserError(`There is no fold ${index} among ${count}; they are numbered from 1.`);
  }
  const folds = foldsOf(dataset, count, seed);
  const sizes = dataset.labels.labels.map(() => 0);
  dataset.samples.forEach(({ label, majority }) => {
    if (majority) increase(sizes, label);
  });
  return {
    train: { ...dataset, samples: dataset.samples.filter((_, i) => folds[i] !== index) },
    held: { ...dataset, samples: dataset.samples.filter((_, i) => folds[i] === index) },
    scarce: dataset.labels.labels.filter((_, label) => itemAt(sizes, label) > 0 && itemAt(sizes, label) < count),
  };
}
