/*
 * Where the settings of a run come from when no option says otherwise. A recipe is some of them; recipes are laid over
 * each other: what holds for any run, the network's, the dataset's, what the published code does, then the options given.
 */
import { type ModelName, models } from '../../models/registry.js';
import type { DataType, RunOptions } from './options.js';

/** Settings of a run; what is not named stays as it was. */
export type Recipe = Readonly<Partial<Omit<RunOptions, 'data' | 'model' | 'dataType' | 'asPublished' | 'seed'>>>;

const anyRun = {
  dataType: null,
  asPublished: false,
  trainSplit: 'train',
  valSplit: null,
  holdOut: 0.1,
  folds: null,
  fold: null,
  momentum: 0.9,
  decay: 'matrices',
  gamma: 0.98,
  warmUp: 0,
  ema: 0,
  clip: 0,
  sampling: 'shuffled',
  targets: 'labels',
  landmark: 'frozen',
  flip: null,
  erasing: null,
  erasingScale: null,
  erasingRatio: null,
  blocks: null,
  scales: null,
  windows: null,
  dropPath: null,
  seed: 0,
} as const;

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

export const networkRecipes = {
  // RAF-DB's.
  'poster-v2': { ...publishedRecipe, microBatch: 8, lr: 3.5e-5, augmentation: 'rafdb' },
  // Found on FER+, from nothing: the bundled weights' (docs/results.md).
  'poster-v2-nano': {
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
    landmark: 'trained',
  },
} as const satisfies Readonly<Record<ModelName, Recipe>>;

/** Exactly what is published; for FER+, where nothing is, what we chose. */
export const datasetRecipes: Readonly<Record<DataType, Recipe>> = {
  'RAF-DB': { ...publishedRecipe, lr: 3.5e-5, augmentation: 'rafdb', sampling: 'shuffled' },
  'AffectNet-7': { ...publishedRecipe, lr: 1e-6, augmentation: 'affectnet', sampling: 'balanced' },
  'AffectNet-8': { ...publishedRecipe, lr: 1e-6, augmentation: 'affectnet', sampling: 'balanced' },
  'CAER-S': { ...publishedRecipe, lr: 4e-5, augmentation: 'affectnet', sampling: 'shuffled' },
  // The network's own recipe (for poster-v2 that of RAF-DB, the nearest in size), on what FER+ has more: votes and a
  // validation split.
  FERPlus: { targets: 'distribution', valSplit: 'valid' },
};

/** The published scripts take a weight decay and a momentum and drop them: PyTorch's own values count. */
const pytorchDefaults: Readonly<Record<RunOptions['optimizer'], Recipe>> = {
  adam: { weightDecay: 0 },
  adamw: { weightDecay: 0.01, decay: 'all' },
  sgd: { weightDecay: 0, momentum: 0 },
};

export interface RunWish {
  /** Default: the published network for a dataset's recipe, else `poster-v2-nano`. */
  readonly model?: ModelName;
  /** Folder of the dataset. */
  readonly data: string;
  /** Options given; they count before every recipe. */
  readonly given?: Partial<RunOptions>;
  /** The split whose accuracy is reported: `asPublished` chooses the best epoch on it. */
  readonly reportedSplit?: string;
}

/** The settings of a run, from recipes and options. `parseRun` checks them. */
export function runFor({ model, data, given = {}, reportedSplit }: RunWish): RunOptions {
  const { dataType = null, asPublished = false } = given;
  const network = model ?? (dataType === null ? 'poster-v2-nano' : 'poster-v2');
  const run: RunOptions = {
    ...anyRun,
    ...networkRecipes[network],
    ...(dataType === null ? {} : datasetRecipes[dataType]),
    // Which the published network only has.
    ...(asPublished && network === 'poster-v2' ? { landmark: 'as-published' } : {}),
    ...(asPublished && reportedSplit !== undefined ? { valSplit: reportedSplit } : {}),
    ...(given.holdOut === undefined ? {} : { valSplit: null }),
    ...given,
    model: models[network].name,
    data,
  };
  if (!asPublished) return run;
  // BatchNorm saw whole batches.
  const ignored = pytorchDefaults[run.optimizer];
  // What `decay` says is no option of the published scripts, so one that is given counts.
  return {
    ...run,
    microBatch: given.microBatch ?? run.batchSize,
    ...ignored,
    decay: given.decay ?? ignored.decay ?? run.decay,
  };
}

/** The recipe of a network, for a dataset folder. */
export function defaultRun(model: ModelName, data: string): RunOptions {
  return runFor({ model, data });
}
