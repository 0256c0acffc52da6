import type { Recipe } from '../recipe.js';

/** What the paper's code does on every dataset (arXiv 2301.12149 and its scripts). */
export const publishedRecipe = {
  epochs: 200,
  batchSize: 144,
  optimizer: 'adam',
  weightDecay: 0,
  schedule: 'exponential',
  gamma: 0.98,
  warmUp: 0,
  rho: 0.05,
  ema: 0,
  clip: 0,
  targets: 'labels',
} as const satisfies Recipe;

/** RAF-DB's. */
export const posterV2Recipe = {
  ...publishedRecipe,
  microBatch: 8,
  lr: 3.5e-5,
  augmentation: 'rafdb',
} as const satisfies Recipe;

/** Found on FER+, from random values: the first 20 epochs of the bundled weights (docs/results.md). */
export const posterV2NanoRecipe = {
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

/** Exactly what is published. */
export const posterV2DatasetRecipes = {
  'RAF-DB': { ...publishedRecipe, lr: 3.5e-5, augmentation: 'rafdb', sampling: 'shuffled' },
  'AffectNet-7': { ...publishedRecipe, lr: 1e-6, augmentation: 'affectnet', sampling: 'balanced' },
  'AffectNet-8': { ...publishedRecipe, lr: 1e-6, augmentation: 'affectnet', sampling: 'balanced' },
  'CAER-S': { ...publishedRecipe, lr: 4e-5, augmentation: 'affectnet', sampling: 'shuffled' },
} as const satisfies Readonly<Record<string, Recipe>>;
