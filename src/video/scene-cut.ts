import { itemAt } from '../common/item-at.js';
import { byteAt, valueAt } from '../common/typed-item.js';
import type { Picture } from '../image/resize.js';

/** Brightness in a grid over a frame, in [0, 1], less its mean: a lamp that is switched is no cut. */
export type Thumbnail = Float32Array;

const cells = 16;
const samples = 6;
/** Mean difference of two grids: 0.05 for a fast pan, 0.15 and more for another scene. */
const cutDifference = 0.12;

/** Samples a frame sparsely: about 9,000 of its pixels, whatever its size. */
export function thumbnail({ width, height, channels, data }: Picture): Thumbnail {
  const grid = new Float32Array(cells * cells);
  const side = cells * samples;
  for (let j = 0; j < side; j++) {
    const y = Math.floor(((j + 0.5) / side) * height);
    for (let i = 0; i < side; i++) {
      const at = (y * width + Math.floor(((i + 0.5) / side) * width)) * channels;
      // Green is most of brightness.
      const cell = Math.floor(j / samples) * cells + Math.floor(i / samples);
      grid[cell] = valueAt(grid, cell) + byteAt(data, channels === 3 ? at + 1 : at);
    }
  }
  const scale = 1 / (255 * samples * samples);
  const mean = grid.reduce((sum, value) => sum + value, 0) / grid.length;
  return grid.map((value) => (value - mean) * scale);
}

/** Whether another scene begins between two frames. */
export function isCut(before: Thumbnail, now: Thumbnail): boolean {
  const difference = now.reduce((sum, value, i) => sum + Math.abs(value - itemAt(before, i)), 0) / now.length;
  return difference > cutDifference;
}
