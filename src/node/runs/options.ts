import * as z from 'zod';
import { type Setting, UserError } from '../../common/errors.js';
import { wantedNumber } from '../../common/json.js';
import { affectnet7, affectnet8, caers, ferplus, rafdb } from '../../common/label-sets.js';
import { printable } from '../../common/printable.js';
import { modelNamed, modelNames, networkFamilies } from '../../models/registry.js';
import type { DecayRule, OptimizerConfig } from '../../optim/index.js';
import {
  adam,
  adamw,
  decayAll,
  decayMatrices,
  learningRate,
  scheduleNames,
  scheduleOf,
  sgd,
} from '../../optim/index.js';
import { defaultDistillation } from '../../train/distillation.js';

/** The datasets that have a recipe (`recipes.ts`), and their classes in published order. */
export const dataTypeLabels = {
  'RAF-DB': rafdb,
  'AffectNet-7': affectnet7,
  'AffectNet-8': affectnet8,
  'CAER-S': caers,
  FERPlus: ferplus,
} as const;
export const dataTypes = ['RAF-DB', 'AffectNet-7', 'AffectNet-8', 'CAER-S', 'FERPlus'] as const;
export type DataType = (typeof dataTypes)[number];

const share = z.number().min(0).max(1);

// Lists come as text from the command line, and numberOf (cli/arguments.ts) does not see them: each part says what is wanted.
const twoNumbers = 'it must be two numbers above 0, the smaller first, such as 0.05,0.1';
const end = z.number(twoNumbers).gt(0, twoNumbers);
const range = z.tuple([end, end], twoNumbers).refine(([from, to]) => from <= to, 'it must ascend');

/** What decides what a run computes, whichever network it trains. Counts are whole numbers; the seed is all that is random. */
export const trainingSchema = z.looseObject({
  /** Folder of the dataset. */
  data: z.string().min(1),
  /** Which published dataset it is: its classes must be those; null: any. */
  dataType: z.enum(dataTypes).nullable().default(null),
  /** Whether the defaults were those of the published code, its faults included (`recipes.ts`). */
  asPublished: z.boolean().default(false),
  /** Split trained on. */
  trainSplit: z.string().min(1),
  /** Split that chooses the best epoch; null: a part of the training split is held out for that. */
  valSplit: z.string().min(1).nullable(),
  /** Fraction of the training split that is held out when `valSplit` is null. */
  holdOut: z.number().gt(0).lt(1),
  /** Fraction of the training split that is held out to fit a temperature on when training is done; null: none is fitted. */
  calibration: z.number().gt(0).lt(1).nullable().default(null),
  /** Cross-validation: how many parts the training split is divided into; null: none. */
  folds: z.number().int().min(2).nullable().default(null),
  /** Which part, from 1, is kept from training and from choosing the best epoch; null without `folds`. */
  fold: z.number().int().min(1).nullable().default(null),
  model: z.string(),
  epochs: z.number().int().min(1),
  batchSize: z.number().int().min(1),
  /** Pictures that pass through the network at once; gradients add up over a batch. */
  microBatch: z.number().int().min(1),
  optimizer: z.enum(['adam', 'adamw', 'sgd']),
  lr: z.number().gt(0),
  momentum: z.number().min(0).lt(1),
  weightDecay: z.number().min(0),
  /** What weight decay pulls: matrices and kernels, or also offsets and the scales of normalisation. */
  decay: z.enum(['matrices', 'all']).default('matrices'),
  schedule: z.enum(scheduleNames),
  /** What the exponential schedule multiplies the learning rate with after each epoch. */
  gamma: z.number().gt(0).max(1).default(0.98),
  /** Epochs of linear warm-up before the schedule. */
  warmUp: z.number().min(0),
  /** Radius of SAM; 0 trains without. */
  rho: z.number().min(0),
  /** Decay of the averaged weights; 0 keeps none. */
  ema: z.number().min(0).lt(1),
  /** Gradients are scaled down to this global norm; 0 leaves them. */
  clip: z.number().min(0),
  sampling: z.enum(['shuffled', 'balanced']),
  targets: z.enum(['labels', 'distribution']),
  augmentation: z.enum(['none', 'rafdb', 'affectnet', 'nano']),
  /** Probability of a mirrored picture; null: the augmentation's own, as below. */
  flip: share.nullable().default(null),
  /** Probability that a box is erased. */
  erasing: share.nullable().default(null),
  /** Smallest and largest share of the picture's area that is erased. */
  erasingScale: range
    .refine(([, to]) => to < 1, 'it must be below 1')
    .nullable()
    .default(null),
  /** Smallest and largest height / width of the erased box. */
  erasingRatio: range.nullable().default(null),
  /** Largest rotation to either side, in degrees. */
  rotation: z.number().min(0).max(180).nullable().default(null),
  /** Smallest and largest zoom factor about the picture's centre. */
  zoom: range.nullable().default(null),
  /** Largest shift along each axis, as a fraction of the side. */
  shift: share.nullable().default(null),
  /** Smallest and largest side of a random crop, as a fraction of the picture's. */
  cropScale: range
    .refine(([, to]) => to <= 1, 'it must be at most 1')
    .nullable()
    .default(null),
  /** Brightness factor is within 1 - brightness and 1 + brightness. */
  brightness: share.nullable().default(null),
  /** Contrast factor, in the same way. */
  contrast: share.nullable().default(null),
  /** The exponent of all values is between 1 / (1 + g) and 1 + g. */
  gammaCorrection: z.number().min(0).max(9).nullable().default(null),
  /** Probability of a Gaussian blur. */
  blur: share.nullable().default(null),
  /** Largest standard deviation of Gaussian noise, as a fraction of the range of values. */
  noise: share.nullable().default(null),
  /** Probability of the loss of JPEG. */
  jpeg: share.nullable().default(null),
  /** Pictures are blended, in shares from Beta(mixup, mixup); 0: none. */
  mixup: z.number().min(0).default(0),
  /** Boxes of other pictures are pasted, whose shares of the area are from Beta(cutmix, cutmix); 0: none. */
  cutmix: z.number().min(0).default(0),
  /** Share of a label that is spread over all classes; votes stay as they are. */
  labelSmoothing: z.number().min(0).lt(1).default(0),
  /** Files of networks to learn from besides the pictures' own targets: `train/distillation.ts`. */
  teacher: z.array(z.string().min(1)).readonly().default([]),
  /** Their share of what is learned. */
  teacherWeight: z.number().gt(0).max(1).default(defaultDistillation.weight),
  /** What their logits are divided by before the softmax. */
  teacherTemperature: z.number().gt(0).default(defaultDistillation.temperature),
  seed: z.number().int().min(0),
});
const { shape: trainingShape } = trainingSchema;
export type TrainingOptions = { [Key in keyof typeof trainingShape]: z.output<(typeof trainingShape)[Key]> };

/**
 * Everything that decides what a run computes: with the network's own options, by their names. It is stored with the
 * checkpoint; resuming needs nothing else.
 */
export type RunOptions = TrainingOptions & Readonly<Record<string, unknown>>;

/** Checks the options of a run, with those that its network has of its own. */
export const runSchema: z.ZodType<RunOptions> = trainingSchema.transform((run, context) => {
  const network = networkFamilies.find(({ variants }) => variants.some(({ name }) => name === run.model));
  // Whoever opens the network says that there is none.
  if (network === undefined) return run;
  try {
    const { seed, ...rest } = run;
    return { ...rest, ...network.parseOptions(ownOptions(run)), seed };
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    for (const issue of error.issues) {
      const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [];
      const message = unknown.length > 0 ? `a ${run.model} has no such option` : wordsOf(issue);
      context.addIssue({ code: 'custom', path: [...issue.path, ...unknown.slice(0, 1)], message, input: run });
    }
    return z.NEVER;
  }
});

/** The options that belong to a run's network. */
export function ownOptions(run: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(run).filter(([key]) => !(key in trainingShape)));
}

function settingsOf(key: PropertyKey | undefined): Setting[] {
  const ofAll = trainingSchema.keyof().safeParse(key);
  if (ofAll.success) return [ofAll.data];
  const ofNetwork = networkFamilies.flatMap(({ options }) => options).find((option) => option.key === key);
  return ofNetwork === undefined ? [] : [`network:${ofNetwork.key}`];
}

/** Ours where a number is out of bounds, else those of the rule that is broken. */
function wordsOf(issue: z.core.$ZodIssue): string {
  const wanted = wantedNumber(issue);
  // Rules that say what they want have words of their own.
  return wanted === undefined || issue.message.startsWith('it must') ? issue.message : `it must be ${wanted}`;
}

/** Checks options that came from outside. @throws UserError that names the option and what it may be. */
export function parseRun(options: unknown): RunOptions {
  const parsed = runSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const key = issue?.path[0];
  const what = key === undefined ? 'description of a run' : `value of ${printable(String(key))}`;
  throw new UserError(
    `The ${what} cannot be used: ${issue === undefined ? 'it is malformed' : wordsOf(issue)}.`,
    'usage',
    {
      settings: settingsOf(key),
    },
  );
}

/**
 * Checks options that were stored with a run, by this version or an earlier one.
 * @throws UserError as {@link parseRun}
 */
export const parseStoredRun = (stored: unknown): RunOptions => parseRun(migrateRun(stored));

/** Options that an earlier version stored, put right where it stored something else than it did. */
export function migrateRun(stored: unknown): unknown {
  const parsed = z.looseObject({ model: z.string() }).safeParse(stored);
  const variant = modelNames.find((name) => name === parsed.data?.model);
  if (!parsed.success || variant === undefined) return stored;
  return { ...parsed.data, ...modelNamed(variant).network.family.migrateOptions(variant, ownOptions(parsed.data)) };
}

/** A run with the paths of its data and its teachers written otherwise. */
export function withPaths<Run extends Pick<RunOptions, 'data' | 'teacher'>>(
  run: Run,
  write: (path: string) => string,
): Run {
  return { ...run, data: write(run.data), teacher: run.teacher.map(write) };
}

export function optimizerOf(run: RunOptions): OptimizerConfig {
  const { lr, weightDecay, momentum } = run;
  if (run.optimizer === 'sgd') return sgd(lr, { weightDecay, momentum });
  return run.optimizer === 'adamw' ? adamw(lr, { weightDecay }) : adam(lr, { weightDecay });
}

export const decayRuleOf = (run: RunOptions): DecayRule => (run.decay === 'all' ? decayAll : decayMatrices);

/** The learning rate of the update that follows on `step` others: the schedule depends on how long the run is. */
export function learningRateOf(run: RunOptions, stepsPerEpoch: number): (step: number) => number {
  const schedule = scheduleOf(run);
  return (step) => learningRate(schedule, { step, stepsPerEpoch, epochs: run.epochs });
}
