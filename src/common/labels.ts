import { unprintable } from './printable.js';

/** The classes of a dataset or of a checkpoint, in index order. It travels with both. */
export interface LabelSet {
  readonly name: string;
  readonly labels: readonly string[];
}

/** The most UTF-16 units in a label, or in the name of a label set. */
export const longestLabel = 200;

/**
 * Why a text cannot be a label or the name of a label set, as part of a sentence; undefined where it can. Checkpoints and
 * datasets have one rule, so that nothing is trained that cannot be saved.
 */
export function labelProblem(text: string): string | undefined {
  if (text.length > longestLabel) return `it is longer than ${longestLabel} characters`;
  const [found] = unprintable.exec(text) ?? [];
  if (found === undefined) return undefined;
  const code = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `it has the character U+${code}, which is not shown or changes how text around it is shown`;
}
