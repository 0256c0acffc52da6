import { countText } from '../../../common/count-text.js';
import { compareLabels, type LabelComparison } from '../../../common/label-sets.js';
import type { LabelSet } from '../../../common/labels.js';
import { printable } from '../../../common/printable.js';
import type { DatasetCheck, SameGroup, SplitCheck } from './check.js';
import { unexaminedText } from './unexamined.js';

/** What is wrong with a dataset, and what one should know: a sentence each. */
export interface Verdict {
  /** Figures from this dataset would mislead, or it cannot be used with the weights. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const number = (count: number): string => count.toLocaleString('en-US');
const some = (count: number, noun = 'picture'): string => countText(count, noun);

/** Pictures in groups of which `test` holds, and the groups. */
function inGroups(
  groups: readonly SameGroup[],
  test: (group: SameGroup) => boolean,
): { pictures: number; groups: number } {
  const found = groups.filter(test);
  return { pictures: found.reduce((sum, { pictures }) => sum + pictures.length, 0), groups: found.length };
}

function ofDuplicates({ identical, similar }: DatasetCheck): Verdict {
  const problems: string[] = [];
  const warnings: string[] = [];
  const across = inGroups(identical, (group) => group.acrossSplits);
  if (across.groups > 0) {
    problems.push(
      `${some(across.groups)} ${across.groups === 1 ? 'is' : 'are'} in more than one split: what is measured there was ` +
        'seen in training.',
    );
  }
  const labels = inGroups(identical, (group) => group.acrossLabels);
  if (labels.groups > 0) {
    problems.push(`${some(labels.groups)} ${labels.groups === 1 ? 'lies' : 'lie'} under more than one label.`);
  }
  const within = inGroups(identical, (group) => !group.acrossSplits && !group.acrossLabels);
  if (within.groups > 0) {
    warnings.push(
      `${some(within.pictures - within.groups)} within a class ${within.pictures - within.groups === 1 ? 'is a copy' : 'are copies'} of others.`,
    );
  }
  const similarAcross = inGroups(similar, (group) => group.acrossSplits);
  if (similarAcross.groups > 0) {
    warnings.push(
      `${some(similarAcross.groups, 'group')} of pictures that look the same, in other bytes, ${similarAcross.groups === 1 ? 'spans' : 'span'} several splits.`,
    );
  }
  return { problems, warnings };
}

function ofSplit(
  { split, counts, pictures, unreadable, nonSquare, gray, colour }: SplitCheck,
  labels: LabelSet,
): Verdict {
  const missing = labels.labels.filter((_, i) => counts[i] === 0);
  const readable = gray + colour;
  return {
    problems: [
      ...(unreadable.length > 0 ? [`Split '${split}' has ${some(unreadable.length)} that cannot be read.`] : []),
      ...(pictures === 0 ? [`Split '${split}' has no picture that counts: none has a majority among its votes.`] : []),
    ],
    warnings: [
      ...(missing.length > 0 && pictures > 0 ? [`Split '${split}' has no picture of ${missing.join(', ')}.`] : []),
      ...(nonSquare > 0
        ? [
            `Split '${split}' has ${some(nonSquare)} of ${number(readable)} that ${nonSquare === 1 ? 'is' : 'are'} not square: they ` +
              'are stretched to a square; face crops should be one, so cut the faces out of whole photos first.',
          ]
        : []),
      ...(gray > 0 && colour > 0
        ? [`Split '${split}' mixes ${number(gray)} gray pictures with ${number(colour)} in colour.`]
        : []),
    ],
  };
}

/**
 * What of a check's findings matters.
 * @param weights labels of the weights that are to be used with the dataset
 */
export function verdictOn(
  check: DatasetCheck,
  weights?: LabelSet,
): Verdict & { readonly comparison?: Pick<LabelComparison, 'kind' | 'explanation' | 'settings'> } {
  const parts = [ofDuplicates(check), ...check.splits.map((split) => ofSplit(split, check.labels))];
  const problems = [
    ...(check.labels.labels.length < 2
      ? [
          `All pictures are of one class, '${printable(check.labels.labels.join())}': is this a release that is not prepared yet, or a ` +
            'folder too high or too low?',
        ]
      : []),
    ...check.broken.map(({ split, reason }) => `Split '${split}' cannot be used: ${reason}`),
    ...parts.flatMap((part) => part.problems),
  ];
  const warnings = [...check.notes, ...unexaminedText(check.unexamined), ...parts.flatMap((part) => part.warnings)];
  if (weights === undefined) return { problems, warnings };
  const { kind, explanation, settings } = compareLabels(weights, check.labels);
  if (kind === 'different') problems.push(explanation);
  if (kind === 'reordered') {
    warnings.push(`${explanation.replace(/; compared by index.*$/, '')}; evaluation matches them by name.`);
  }
  return { problems, warnings, comparison: { kind, explanation, settings } };
}
