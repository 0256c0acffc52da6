import { UserError } from '../common/errors.js';
import { entryOf, itemAt } from '../common/item-at.js';
import { canonicalLabel, isNumbered } from '../common/label-sets.js';
import { inOneForm, labelProblem } from '../common/labels.js';
import { printable } from '../common/printable.js';
import { countsOf } from '../common/sampling.js';

/** The classes that a network is to tell apart, and what it is to learn them from. */
export interface Classes {
  /** In index order. */
  readonly labels: readonly string[];
  /** [n], the class of each picture. */
  readonly labelOf: readonly number[];
  /** For each class the row of the base network's head that is of the same expression, -1 where there is none. */
  readonly rows: readonly number[];
}

export interface ClassesOptions {
  /** The classes in index order, each of which must have pictures. Default: those of the pictures, as they first occur. */
  readonly labels?: readonly string[];
  /** The base network's other expressions stay possible answers, before the new ones (default false). */
  readonly keep?: boolean;
}

/**
 * Which classes pictures are of, and which of them the base network knows: names of one expression, such as `happy` and
 * `happiness`, are the same.
 * @param base labels of the base network
 * @param names [n], the label of each picture
 * @throws UserError where the classes cannot be learned: one alone, one with fewer than two pictures, names that no checkpoint holds,
 * numbers that the base network has too where its classes are kept.
 */
export function classesFor(
  base: readonly string[],
  names: readonly string[],
  { labels: given, keep = false }: ClassesOptions = {},
): Classes {
  const shown = names.map(inOneForm);
  const learned = [...new Set((given ?? shown).map(inOneForm))];
  const known = rowsOf(base, learned);
  const twice = keep ? learned.find((name, k) => known[k] === -1 && base.includes(name)) : undefined;
  if (twice !== undefined) {
    throw refused(
      `The class ${quoted(twice)} has the name of one of the network's own, and numbers do not say whether both mean the same; give the classes names of expressions, or do not keep the network's.`,
    );
  }
  // An expression that the network has keeps its place and its name there.
  const labels = keep ? [...base, ...learned.filter((_, k) => known[k] === -1)] : learned;
  const indices = new Map(learned.map((name, k) => [name, keep ? indexIn(labels, base, name, known[k]) : k]));
  const labelOf = shown.map((name) => {
    const index = indices.get(name);
    if (index !== undefined) return index;
    throw refused(`A picture has the label ${quoted(name)}, which is not among the classes; add it to them.`);
  });
  const counts = countsOf(labelOf, labels.length);
  for (const name of learned) checkClass(name, itemAt(counts, entryOf(indices, name)));
  const taught = counts.filter((count) => count > 0).length;
  if (taught < 2) {
    throw refused(
      learned.length === 0
        ? 'There are no pictures to learn from; give some of at least two classes.'
        : `The class ${quoted(itemAt(learned, 0))} is alone, and a network learns to tell classes apart; add pictures of another, such as a neutral face.`,
    );
  }
  return { labels, labelOf, rows: keep ? labels.map((_, k) => (k < base.length ? k : -1)) : known };
}

function indexIn(labels: readonly string[], base: readonly string[], name: string, row = -1): number {
  return row === -1 ? labels.indexOf(name, base.length) : row;
}

function checkClass(name: string, count: number): void {
  const problem = name === '' ? 'it is empty' : labelProblem(name);
  if (problem !== undefined) {
    throw refused(`No checkpoint can hold the class ${quoted(name)}: ${problem}; name it otherwise.`);
  }
  if (count === 0) {
    throw refused(`The class ${quoted(name)} has no pictures; add at least two, or remove the class.`);
  }
  if (count === 1) {
    throw refused(
      `The class ${quoted(name)} has one picture; add at least one more, since one of each class is kept to measure with.`,
    );
  }
}

/** Numbers say nothing about expressions, so that they are the same only where they are new. */
function rowsOf(base: readonly string[], labels: readonly string[]): number[] {
  if (isNumbered(base) || isNumbered(labels)) return labels.map(() => -1);
  const known = base.map(canonicalLabel);
  return labels.map((label) => known.indexOf(canonicalLabel(label)));
}

const quoted = (name: string): string => `'${printable(name, 60)}'`;
const refused = (sentence: string): UserError => new UserError(sentence);
