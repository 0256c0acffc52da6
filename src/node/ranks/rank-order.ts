import { itemAt } from '../../common/item-at.js';

/**
 * Sums in the order of ranks. Each rank sums one segment of every bucket and gives the result to all others: a
 * reduce-scatter and an allgather. Which rank sums an element does not change its bits, the order of the summands does.
 */

/** Elements that are sent at once: 4 MB, so that counts stay far below the 2^31 of MPI's interface. */
export const bucketLength = 2 ** 20;

/** Elements of a bucket that each rank sums; the last ranks may have fewer, or none. */
export const segmentLength = (count: number, size: number): number => Math.ceil(count / size);

/**
 * Adds up what all ranks have of one segment, by rank.
 * @param parts one after another, each as long as `sum`
 * @param sum is written; it may be the first of the parts
 */
export function addInOrder(parts: Float32Array, sum: Float32Array): void {
  const { length } = sum;
  sum.set(parts.subarray(0, length));
  for (let at = length; at < parts.length; at += length) {
    for (let i = 0; i < length; i++) sum[i] = itemAt(sum, i) + itemAt(parts, at + i);
  }
}
