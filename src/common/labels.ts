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

/**
 * A name in Unicode's composed form (NFC), in which names are compared and labels written. Some file systems and programs
 * store `é` as `e` with an accent of its own: the same name in other bytes.
 */
export const inOneForm = (name: string): string => name.normalize('NFC');
