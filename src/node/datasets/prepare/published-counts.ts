import { type Advice, advice } from '../../../common/errors.js';
import { affectnet8, fer2013, ferplus, rafdb } from '../../../common/label-sets.js';
import type { LabelSet } from '../../../common/labels.js';

/** Pictures of a split: for each label, or all together where only that was published. */
type Count = readonly number[] | number;
const rafdbReported = [329, 74, 160, 1185, 478, 162, 680];
const affectnetReported = [500, 500, 500, 500, 500, 500, 500, 500];

/**
 * Pictures as the releases' papers and read-me files give them, by split; AffectNet's are the manually annotated ones, FER+'s
 * those with a majority (its rule of the same name).
 */
const published: Readonly<Record<string, Readonly<Record<'train' | 'valid' | 'test', Count>>>> = {
  [rafdb.name]: {
    train: [1290, 281, 717, 4772, 1982, 705, 2524],
    valid: rafdbReported,
    test: rafdbReported,
  },
  [affectnet8.name]: {
    train: [74874, 134415, 25459, 14090, 6378, 3803, 24882, 3750],
    valid: affectnetReported,
    test: affectnetReported,
  },
  [fer2013.name]: {
    train: [3995, 436, 4097, 7215, 4830, 3171, 4965],
    valid: [467, 56, 496, 895, 653, 415, 607],
    test: [491, 55, 528, 879, 594, 416, 626],
  },
  [ferplus.name]: { train: 25_045, valid: 3191, test: 3137 },
};

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

/** Sentences on splits that have another number of pictures than was published: part of a release may be missing. */
export function countWarnings(
  { name, labels }: LabelSet,
  splits: readonly { readonly split: string; readonly counts: readonly number[] }[],
): Advice[] {
  // AffectNet-7 is AffectNet-8 without the last.
  const known = published[name] ?? (name === 'AffectNet-7' ? published[affectnet8.name] : undefined);
  if (known === undefined) return [];
  return splits.flatMap(({ split, counts }) => {
    const count = split === 'train' ? known.train : split === 'test' ? known.test : known.valid;
    const wanted = typeof count === 'number' ? count : count.slice(0, labels.length);
    const total = typeof wanted === 'number' ? wanted : sum(wanted);
    const differing = typeof wanted === 'number' ? [] : labels.filter((_, i) => counts[i] !== wanted[i]);
    if (typeof wanted === 'number' ? sum(counts) === wanted : differing.length === 0) return [];
    const which = differing.length === 0 ? '' : ` (${differing.join(', ')} differ${differing.length === 1 ? 's' : ''})`;
    return [
      advice(
        `Split '${split}' has ${sum(counts).toLocaleString('en-US')} pictures where ${name} was published with ` +
          `${total.toLocaleString('en-US')}${which}: the release may be another version, or incomplete.`,
      ),
    ];
  });
}
