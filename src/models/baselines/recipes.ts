import type { NetworkRecipe } from '../recipe.js';

/** As POSTER V2's on RAF-DB, without SAM. */
export const baselineRecipe = {
  epochs: 200,
  batchSize: 144,
  microBatch: 16,
  optimizer: 'adam',
  lr: 3.5e-5,
  weightDecay: 0,
  schedule: 'exponential',
  gamma: 0.98,
  rho: 0,
  augmentation: 'rafdb',
} as const satisfies NetworkRecipe;

/** As the other small networks are trained, so that they can be compared. */
export const baselineNanoRecipe = {
  epochs: 20,
  batchSize: 64,
  microBatch: 64,
  optimizer: 'adamw',
  lr: 1e-3,
  weightDecay: 0.02,
  schedule: 'one-cycle',
  rho: 0,
  ema: 0.998,
  augmentation: 'nano',
} as const satisfies NetworkRecipe;
