import type { Recipe } from '../recipe.js';

/**
 * What the published scripts do on every dataset. Their loss is twice the cross-entropy with smoothing 0.2 and once that
 * without: three times the cross-entropy with smoothing 0.4 / 3. The factor cancels in Adam and in the length of SAM's climb.
 */
export const publishedRecipe = {
  epochs: 300,
  batchSize: 200,
  optimizer: 'adam',
  weightDecay: 0,
  schedule: 'exponential',
  gamma: 0.98,
  warmUp: 0,
  rho: 0.05,
  ema: 0,
  clip: 0,
  labelSmoothing: 0.4 / 3,
  targets: 'labels',
} as const satisfies Recipe;

/** RAF-DB's. */
export const posterV1Recipe = {
  ...publishedRecipe,
  microBatch: 8,
  lr: 4e-5,
  augmentation: 'rafdb',
} as const satisfies Recipe;

/** As POSTER V2's small network is trained, so that the two can be compared. */
export const posterV1NanoRecipe = {
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
export const posterV1DatasetRecipes = {
  'RAF-DB': { ...publishedRecipe, lr: 4e-5, augmentation: 'rafdb', sampling: 'shuffled' },
  'AffectNet-7': { ...publishedRecipe, lr: 2e-6, augmentation: 'rafdb', sampling: 'balanced' },
  'AffectNet-8': { ...publishedRecipe, lr: 2e-6, augmentation: 'rafdb', sampling: 'balanced' },
} as const satisfies Readonly<Record<string, Recipe>>;
