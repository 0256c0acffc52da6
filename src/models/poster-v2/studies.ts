import { itemAt } from '../../common/item-at.js';
import type { Studies } from '../study-names.js';
import { mapSizes, type PosterV2Config } from './poster-v2-config.js';

/** Sides of windows that cut each map by `factor`, but never below the side of the coarsest map. */
function windowsOf(config: PosterV2Config, factor: number): number[] {
  const sizes = mapSizes(config);
  return sizes.map((side) => Math.max(side / factor, itemAt(sizes, 2)));
}

/** What the paper claims over POSTER V1, and what its code leaves open. */
export const posterV2Studies: Studies<PosterV2Config> = {
  'cross-fusion': () => [
    { name: 'window', summary: 'cross-attention with a position bias, in one window a map', options: {} },
    {
      name: 'vanilla',
      summary: 'cross-attention over whole maps without a position bias',
      options: { crossAttention: 'vanilla' },
    },
  ],
  'two-stream': () => [
    { name: 'landmark-to-image', summary: "the landmark stream's features are the queries", options: {} },
    {
      name: 'image-alone',
      summary: "no landmark stream: the image's own features are the queries",
      options: { landmark: 'none' },
    },
  ],
  'multi-scale': () => [
    { name: 'stages', summary: 'three scales, the stages of both branches', options: {} },
    {
      name: 'pyramid',
      summary: 'three scales, the last maps of both branches at three widths',
      options: { multiScale: 'pyramid' },
    },
    { name: 'one-scale', summary: 'the last stage alone', options: { scales: [3] } },
  ],
  window: (config) => [
    { name: 'whole-maps', summary: 'one window a map', options: {} },
    {
      name: 'halves',
      summary: 'windows of half the side of their map',
      options: { windows: windowsOf(config, 2) },
    },
    {
      name: 'quarters',
      summary: 'windows of a quarter of the side',
      options: { windows: windowsOf(config, 4) },
    },
  ],
};
