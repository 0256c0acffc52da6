import { assign } from '../common/assignment.js';
import { itemAt } from '../common/item-at.js';
import type { ConfusionMatrix } from './evaluation.js';

/** The order of classes that a confusion matrix speaks for, where it is not the one that was measured with. */
export interface FittingOrder {
  /** For each true class the class that its pictures are taken for; each class once. */
  readonly taken: readonly number[];
  /** Fraction that would be right. */
  readonly accuracy: number;
}

/** Least mean agreement, 0 to 1, of classes with what they are taken for. */
const leastAgreement = 0.35;
/** By how much that must exceed the agreement of the same classes with themselves. */
const leastRatio = 3;
/** Natural logarithm of how much likelier the matrix must be than chance, all orders tried. */
const leastEvidence = 7;

/**
 * How well each true class (row) agrees with each predicted one (column): the F1 of taking the one for the other if all
 * classes had equally many pictures. A network that always says the same class agrees with none.
 */
function agreements(confusion: ConfusionMatrix): number[][] {
  const recalls = confusion.map((row) => {
    const support = row.reduce((sum, count) => sum + count, 0);
    return row.map((count) => (support === 0 ? 0 : count / support));
  });
  const columns = confusion.map((_, c) => recalls.reduce((sum, row) => sum + itemAt(row, c), 0));
  return recalls.map((row) => row.map((recall, c) => (2 * recall) / (1 + itemAt(columns, c))));
}

/** Each class once: rows without a column of their own keep their own place where it is free, else take what is left. */
function completed(found: readonly (number | undefined)[]): number[] {
  const free = new Set(found.map((_, i) => i));
  for (const column of found) if (column !== undefined) free.delete(column);
  const own = found.map((column, i) => column ?? (free.delete(i) ? i : undefined));
  const rest = [...free];
  return own.map((column) => {
    const next = column ?? rest.shift();
    if (next === undefined) throw new Error('There are fewer columns than rows.');
    return next;
  });
}

/** Classes that change places with each other only. */
function cyclesOf(taken: readonly number[]): number[][] {
  const known = new Set<number>();
  return taken.flatMap((_, start) => {
    const cycle: number[] = [];
    for (let i = start; !known.has(i); i = itemAt(taken, i)) {
      known.add(i);
      cycle.push(i);
    }
    return cycle.length > 1 ? [cycle] : [];
  });
}

/** Whether classes are plainly taken for others, and not by a network that is merely bad, or by chance. */
function isPlain(confusion: ConfusionMatrix, taken: readonly number[], classes: readonly number[]): boolean {
  const table = agreements(confusion);
  const rows = classes.flatMap((i) => {
    const row = itemAt(confusion, i);
    const to = itemAt(taken, i);
    const pictures = row.reduce((sum, count) => sum + count, 0);
    if (pictures === 0) return [];
    return [
      { pictures, hits: itemAt(row, to), to, moved: itemAt(itemAt(table, i), to), own: itemAt(itemAt(table, i), i) },
    ];
  });
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  if (rows.length < 2) return false;
  const moved = mean(rows.map((row) => row.moved));
  if (moved < leastAgreement || moved < leastRatio * mean(rows.map(({ own }) => own))) return false;
  // Chernoff's bound on so many hits where what is predicted has nothing to do with the class, for any of all orders.
  const all = confusion.flat().reduce((sum, count) => sum + count, 0);
  const share = (column: number): number => confusion.reduce((sum, row) => sum + itemAt(row, column), 0) / all;
  const pictures = rows.reduce((sum, row) => sum + row.pictures, 0);
  const rate = rows.reduce((sum, { hits }) => sum + hits, 0) / pictures;
  const chance = rows.reduce((sum, row) => sum + row.pictures * share(row.to), 0) / pictures;
  const term = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log(a / b));
  const evidence = rate <= chance ? 0 : pictures * (term(rate, chance) + term(1 - rate, 1 - chance));
  return evidence - confusion.reduce((sum, _, i) => sum + Math.log(i + 1), 0) > leastEvidence;
}

/**
 * Whether a confusion matrix is that of labels in another order: pictures of most classes that moved are taken for one
 * other class each, and hardly for their own. Undefined where its order fits, and where nothing is plain.
 *
 * @param confusion [K][K] counts by true class (row) and predicted class
 * @param candidates orders that are likely, as `taken`: one of them is found although few pictures show some classes
 */
export function fittingOrder(
  confusion: ConfusionMatrix,
  candidates: readonly (readonly number[])[] = [],
): FittingOrder | undefined {
  const table = agreements(confusion);
  // Where a class fits two places as well, its own.
  const best = completed(assign(table.map((row, i) => row.map((value, c) => value + (i === c ? 1e-9 : 0)))));
  const plain = best.slice();
  for (const cycle of cyclesOf(best)) if (!isPlain(confusion, best, cycle)) for (const i of cycle) plain[i] = i;
  const total = (taken: readonly number[]): number =>
    taken.reduce((sum, to, i) => sum + itemAt(itemAt(table, i), to), 0);
  const likely = candidates
    .filter((taken) => total(taken) >= 0.9 * total(best) && isPlain(confusion, taken, movedIn(taken)))
    .reduce<readonly number[] | undefined>((a, b) => (a === undefined || total(b) > total(a) ? b : a), undefined);
  const taken = likely ?? plain;
  if (movedIn(taken).length === 0) return undefined;
  const all = confusion.flat().reduce((sum, count) => sum + count, 0);
  return { taken, accuracy: taken.reduce((sum, to, i) => sum + itemAt(itemAt(confusion, i), to), 0) / all };
}

const movedIn = (taken: readonly number[]): number[] => taken.flatMap((to, i) => (to === i ? [] : [i]));
