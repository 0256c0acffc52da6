import { itemAt } from '../common/item-at.js';

/** Ranks from 1, ascending; equal values share the mean of theirs. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => itemAt(values, a) - itemAt(values, b));
  const found = values.map(() => 0);
  for (let from = 0; from < order.length; ) {
    const value = itemAt(values, itemAt(order, from));
    let to = from;
    while (to < order.length && itemAt(values, itemAt(order, to)) === value) to++;
    for (const i of order.slice(from, to)) found[i] = (from + 1 + to) / 2;
    from = to;
  }
  return found;
}

/**
 * Spearman's rank correlation of pairs, in [-1, 1]: Pearson's of the ranks, equal values sharing theirs. Null where one
 * side has no two different values.
 */
export function rankCorrelation(one: readonly number[], other: readonly number[]): number | null {
  if (one.length !== other.length) throw new RangeError(`${one.length} values beside ${other.length}.`);
  const [a, b] = [ranks(one), ranks(other)];
  const mean = (one.length + 1) / 2;
  let [product, squaresA, squaresB] = [0, 0, 0];
  a.forEach((rank, i) => {
    const [x, y] = [rank - mean, itemAt(b, i) - mean];
    product += x * y;
    squaresA += x * x;
    squaresB += y * y;
  });
  return squaresA === 0 || squaresB === 0 ? null : product / Math.sqrt(squaresA * squaresB);
}
