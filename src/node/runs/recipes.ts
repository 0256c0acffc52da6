/*
 * Where the settings of a run come from when no option says otherwise. A recipe is some of them; recipes are laid over
 * each other: what holds for any run, the network's, the dataset's, what the published code does, then the options given.
 */
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import type { NetworkFamily, Recipe } from '../../models/index.js';
import { defaultModel, modelNamed, publishedModel } from '../../models/registry.js';
import { defaultDistillation } from '../../train/distillation.js';
import type { DataType, RunOptions } from './options.js';

const anyRun = {
  dataType: null,
  asPublished: false,
  trainSplit: 'train',
  valSplit: null,
  holdOut: 0.1,
  calibration: null,
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
  flip: null,
  erasing: null,
  erasingScale: null,
  erasingRatio: null,
  rotation: null,
  zoom: null,
  shift: null,
  cropScale: null,
  brightness: null,
  contrast: null,
  gammaCorrection: null,
  blur: null,
  noise: null,
  jpeg: null,
  mixup: 0,
  cutmix: 0,
  labelSmoothing: 0,
  teacher: [],
  teacherWeight: defaultDistillation.weight,
  teacherTemperature: defaultDistillation.temperature,
  seed: 0,
} as const;

/** Ours, on what a dataset has more than others: for FER+ votes and a validation split. */
const ownDatasetRecipes: Readonly<Partial<Record<DataType, Recipe>>> = {
  FERPlus: { targets: 'distribution', valSplit: 'valid' },
};

/**
 * The recipe of a network for a dataset: what its published code does there, exactly, and where it does nothing, what we
 * chose. The network's own recipe counts for the rest.
 */
export function datasetRecipe({ published }: NetworkFamily, dataType: DataType): Recipe {
  return { ...published?.datasetRecipes[dataType], ...ownDatasetRecipes[dataType] };
}

/** The published scripts take a weight decay and a momentum and drop them: PyTorch's own values count. */
const pytorchDefaults: Readonly<Record<RunOptions['optimizer'], Recipe>> = {
  adam: { weightDecay: 0 },
  adamw: { weightDecay: 0.01, decay: 'all' },
  sgd: { weightDecay: 0, momentum: 0 },
};

export interface RunRequest {
  /** Default: `poster-v2` for a dataset's recipe, else `poster-v2-nano`. */
  readonly model?: string;
  /** Folder of the dataset. */
  readonly data: string;
  /** Options given; they count before every recipe. */
  readonly given?: Partial<RunOptions>;
  /** The split whose accuracy is reported: `asPublished` chooses the best epoch on it. */
  readonly reportedSplit?: string;
}

/** The settings of a run, from recipes and options. `parseRun` checks them. */
export function runFor({ model, data, given = {}, reportedSplit }: RunRequest): RunOptions {
  const { dataType = null, asPublished = false } = given;
  const variant = modelNamed(model ?? (dataType === null ? defaultModel : publishedModel));
  const { family } = variant.network;
  if (asPublished && family.published === undefined) {
    throw new UserError(`There is no published code of ${variant.name} that could be repeated.`, 'usage');
  }
  checkTeaching(given);
  checkSelection(given);
  const run: RunOptions = {
    ...anyRun,
    ...family.parseOptions({}),
    ...variant.recipe,
    ...(dataType === null ? {} : datasetRecipe(family, dataType)),
    ...(asPublished ? variant.optionsAsPublished : {}),
    ...(asPublished && reportedSplit !== undefined ? { valSplit: reportedSplit } : {}),
    ...(given.holdOut === undefined ? {} : { valSplit: null }),
    ...given,
    model: variant.name,
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

type TeachingOption = 'teacher' | 'teacherWeight' | 'teacherTemperature';

/**
 * How a teacher is listened to says nothing without one.
 * @param whose of several recipes, as part of the sentence
 */
export function checkTeaching(
  { teacher, teacherWeight, teacherTemperature }: { readonly [Key in TeachingOption]?: unknown },
  whose = '',
): void {
  const isTaught = Array.isArray(teacher) && teacher.length > 0;
  if (isTaught || (teacherWeight ?? teacherTemperature) === undefined) return;
  throw new UserError(
    `The teachers' share and temperature ${whose}say nothing without a teacher; give its file, or leave them out.`,
    'usage',
    { settings: ['teacher'] },
  );
}

/** A split that chooses the best epoch, and a part of another one that does, are one too many. */
function checkSelection({ valSplit, holdOut }: Partial<RunOptions>): void {
  if (valSplit === undefined || valSplit === null || holdOut === undefined) return;
  throw new UserError(
    `The best epoch is chosen on the split '${printable(valSplit)}' or on what is held out of the training split; give one of them.`,
    'usage',
    { settings: ['valSplit', 'holdOut'] },
  );
}

/** The recipe of a network, for a dataset folder. */
export function defaultRun(model: string, data: string): RunOptions {
  return runFor({ model, data });
}
