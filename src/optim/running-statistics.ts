import { checkLength, type Layout } from './flat-layout.js';

/**
 * Moves running statistics by what passes of training add to them, pass after pass, in place:
 * statistic = decay * statistic + addition, in float32 as a graph computes it.
 * @param statistics flat over `layout`
 * @param additions what each pass adds, one after another, each flat over `layout`
 */
export function moveStatistics(layout: Layout, statistics: Float32Array, additions: Float32Array, decay: number): void {
  checkLength(layout, statistics, 'array of running statistics');
  const size = layout.total;
  if (size === 0) return;
  if (additions.length % size !== 0) {
    throw new Error(
      `the passes add ${additions.length} elements to statistics of ${size}, which is no whole number of times`,
    );
  }
  const factor = Math.fround(decay);
  for (let start = 0; start < additions.length; start += size) {
    for (let i = 0; i < size; i++) {
      statistics[i] = Math.fround((statistics[i] as number) * factor) + (additions[start + i] as number);
    }
  }
}
