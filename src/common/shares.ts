import { increase, itemAt } from './item-at.js';

/** One of several processes that share work out among them without a word. */
export interface Shard {
  /** From 1 to `count`. */
  readonly index: number;
  readonly count: number;
}

/** The share of a shard among units that are alike: dealt out in turn, as cards are. Ascending indices. */
export function dealt(units: number, { index, count }: Shard): number[] {
  const own: number[] = [];
  for (let unit = index - 1; unit < units; unit += count) own.push(unit);
  return own;
}

/**
 * The share of a shard among units of different weights: the heaviest first, each to the shard that has the least so far
 * (longest processing time first; Graham 1969). The fullest shard then has at most a third more than in the best division.
 * Whoever has the same weights finds the same shares; units of one weight are dealt out in turn.
 *
 * @param weights of the units, from 0
 * @returns ascending indices
 */
export function evenShare(weights: readonly number[], { index, count }: Shard): number[] {
  const heaviestFirst = weights.map((_, unit) => unit).sort((a, b) => itemAt(weights, b) - itemAt(weights, a) || a - b);
  const loads = new Float64Array(count);
  const own: number[] = [];
  for (const unit of heaviestFirst) {
    let least = 0;
    for (let shard = 1; shard < count; shard++) if (itemAt(loads, shard) < itemAt(loads, least)) least = shard;
    increase(loads, least, itemAt(weights, unit));
    if (least === index - 1) own.push(unit);
  }
  return own.sort((a, b) => a - b);
}
