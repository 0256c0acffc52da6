import type { Recipe } from '../recipe.js';

/** What the published script does by default. Its learning rate is for SGD alone: Adam has PyTorch's own learning rate. */
export const armPublishedRecipe = {
  epochs: 70,
  batchSize: 256,
  optimizer: 'adam',
  lr: 1e-3,
  weightDecay: 1e-4,
  decay: 'all',
  schedule: 'exponential',
  gamma: 0.9,
  warmUp: 0,
  rho: 0,
  ema: 0,
  clip: 0,
  targets: 'labels',
  augmentation: 'rafdb',
  /** A picture is mirrored with a half of a half. */
  flip: 0.25,
} as const satisfies Recipe;

/** The mean over the batch is over a part of the batch that the memory holds. */
export const armRecipe = { ...armPublishedRecipe, microBatch: 32 } as const satisfies Recipe;

/** As the other small networks are trained. */
export const armNanoRecipe = {
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
} as const satisfies Recipe;

/** What is published, but for the Gaussian noise that a fourth of the pictures get before they are resized. */
export const armDatasetRecipes = {
  'RAF-DB': { ...armPublishedRecipe, sampling: 'shuffled' },
} as const satisfies Readonly<Record<string, Recipe>>;
