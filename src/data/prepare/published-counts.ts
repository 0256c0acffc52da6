import { affectnet8, rafdb } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';

/** Pictures per label as the releases' papers and read-me files give them; AffectNet's are the manually annotated ones. */
const published: Readonly<Record<string, Readonly<Record<'train' | 'reported', readonly number[]>>>> = {
  [rafdb.name]: {
    train: [1290, 281, 717, 4772, 1982, 705, 2524],
    reported: [329, 74, 160, 1185, 478, 162, 680],
  },
  [affectnet8.name]: {
    train: [74874, 134415, 25459, 14090, 6378, 3803, 24882, 3750],
    reported: [500, 500, 500, 500, 500, 500, 500, 500],
  },
};

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

/** Sentences on splits that have another number of pictures than was published: part of a release may be missing. */
export function countWarnings(
  { name, labels }: LabelSet,
  splits: readonly { readonly split: string; readonly counts: readonly number[] }[],
): string[] {
  // AffectNet-7 is AffectNet-8 without the last.
  const known = published[name] ?? (name === 'AffectNet-7' ? published[affectnet8.name] : undefined);
  if (known === undefined) return [];
  return splits.flatMap(({ split, counts }) => {
    const wanted = (split === 'train' ? known.train : known.reported).slice(0, labels.length);
    const differing = labels.filter((_, i) => counts[i] !== wanted[i]);
    if (differing.length === 0) return [];
    return [
      `Split '${split}' has ${sum(counts).toLocaleString('en-US')} pictures where ${name} was published with ` +
        `${sum(wanted).toLocaleString('en-US')} (${differing.join(', ')} differ${differing.length === 1 ? 's' : ''}): ` +
        'the release may be another version, or incomplete.',
    ];
  });
}
