import { affectnet7, affectnet8 } from '../../../common/label-sets.js';
import type { LabelSet } from '../../../common/labels.js';

/** What the numbers in AffectNet's annotations stand for. */
export const expressions = [...affectnet8.labels, 'None', 'Uncertain', 'No-Face'] as const;

/** What the two datasets made of the one release have in common. */
export interface AffectNetKind {
  readonly labels: LabelSet;
  readonly folders: readonly string[];
  /** Name of the validation pictures' split, which figures are reported on: as the published code has it. */
  readonly reported: string;
}

export const affectNetKind = (classes: 7 | 8): AffectNetKind => {
  const labels = classes === 7 ? affectnet7 : affectnet8;
  return { labels, folders: labels.labels.map((_, i) => String(i)), reported: classes === 7 ? 'valid' : 'test' };
};

/** The label of an expression, or why it is left out; undefined where there is no such expression. */
export function labelOfExpression(value: number, { folders }: AffectNetKind): number | string | undefined {
  const name = Number.isInteger(value) ? expressions[value] : undefined;
  if (name === undefined) return undefined;
  return value < folders.length ? value : name;
}
