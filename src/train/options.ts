import { z } from 'zod';
import { ExitCode, UserError } from '../common/errors.js';
import { type ModelName, modelNamed } from '../models/registry.js';
import type { DecayRule, OptimizerConfig, Schedule } from '../optim/index.js';
import { adam, adamw, cosine, decayMatrices, exponential, oneCycle, sgd } from '../optim/index.js';

/**
 * Everything that decides what a run computes. It is stored with the checkpoint; resuming needs nothing else.
 * Counts are whole numbers; the seed is all that is random.
 */
export const runSchema = z.strictObject({
  /** Folder of the dataset. */
  data: z.string().min(1),
  /** Split trained on. */
  trainSplit: z.string().min(1),
  /** Split that chooses the best epoch; null: a part of the training split is held out for that. */
  valSplit: z.string().min(1).nullable(),
  /** Fraction of the training split that is held out when `valSplit` is null. */
  holdOut: z.number().gt(0).lt(1),
  model: z.string(),
  epochs: z.number().int().min(1),
  batchSize: z.number().int().min(1),
  /** Pictures that pass through the network at once; gradients add up over a batch. */
  microBatch: z.number().int().min(1),
  optimizer: z.enum(['adam', 'adamw', 'sgd']),
  lr: z.number().gt(0),
  momentum: z.number().min(0).lt(1),
  weightDecay: z.number().min(0),
  schedule: z.enum(['exponential', 'cosine', 'one-cycle', 'constant']),
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
  /**
   * What training does to the published network's landmark branch (a small network's is trained along); `none`
   * (ablation) leaves the branch out, and the image's own features are the queries.
   */
  landmark: z.enum(['frozen', 'as-published', 'none']),
  /** Transformer blocks (ablation); null: the network's own. */
  blocks: z.number().int().min(1).max(64).nullable().default(null),
  /** Scales whose tokens reach the transformer, 1 the finest (ablation); null: all three. */
  scales: z
    .array(z.union([z.literal(1), z.literal(2), z.literal(3)]))
    .min(1)
    .nullable()
    .default(null),
  /** Side of the attention window at each scale (ablation); null: one window a map. */
  windows: z
    .tuple([z.number().int().min(1), z.number().int().min(1), z.number().int().min(1)])
    .nullable()
    .default(null),
  seed: z.number().int().min(0),
});
export type RunOptions = z.infer<typeof runSchema>;

/** The recipe of a network, for a dataset folder. */
export function defaultRun(model: ModelName, data: string): RunOptions {
  const { defaults } = modelNamed(model);
  const small = model === 'poster-v2-nano';
  return {
    data,
    trainSplit: 'train',
    valSplit: null,
    holdOut: 0.1,
    model,
    epochs: defaults.epochs,
    batchSize: defaults.batchSize,
    microBatch: small ? 64 : 8,
    optimizer: defaults.optimizer,
    lr: defaults.learningRate,
    momentum: 0.9,
    weightDecay: defaults.weightDecay,
    schedule: defaults.schedule,
    warmUp: 0,
    rho: defaults.rho,
    ema: 0,
    clip: 0,
    sampling: 'shuffled',
    targets: 'labels',
    augmentation: small ? 'nano' : 'rafdb',
    landmark: 'frozen',
    blocks: null,
    scales: null,
    windows: null,
    seed: 0,
  };
}

/** Checks options that came from outside. @throws UserError that names the option, its value and what it may be. */
export function parseRun(options: unknown): RunOptions {
  const parsed = runSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0] ?? '');
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new UserError(`The option ${flag} cannot be used: ${issue?.message ?? 'it is malformed'}.`, ExitCode.usage);
}

export function optimizerOf(run: RunOptions): OptimizerConfig {
  const { lr, weightDecay, momentum } = run;
  if (run.optimizer === 'sgd') return sgd(lr, { weightDecay, momentum });
  return run.optimizer === 'adamw' ? adamw(lr, { weightDecay }) : adam(lr, { weightDecay });
}

export function scheduleOf(run: RunOptions): Schedule {
  const base: Schedule =
    run.schedule === 'one-cycle'
      ? oneCycle(run.lr)
      : run.schedule === 'cosine'
        ? cosine(run.lr)
        : run.schedule === 'constant'
          ? { type: 'constant', lr: run.lr }
          : exponential(run.lr);
  return run.warmUp > 0 ? { ...base, warmUp: { length: run.warmUp, unit: 'epochs' } } : base;
}

/** Weight decay pulls matrices and kernels, not the offsets and scales of normalisation. */
export const decayRule: DecayRule = decayMatrices;
