import type { Batch } from '../image/index.js';
import type { ConfiguredNetwork } from '../models/index.js';
import type { DecayRule, Layout, OptimizerConfig, OptimizerState } from '../optim/index.js';
import type { CpuOptions } from '../runtime/index.js';
import type { TrainingProgram } from './program.js';

export interface EngineOptions {
  readonly network: ConfiguredNetwork;
  /** What `trainingProgram` gives for `network` and the device, where that is known already. */
  readonly program?: TrainingProgram;
  readonly optimizer: OptimizerConfig;
  /** What weight decay pulls (default: matrices and kernels). */
  readonly decay?: DecayRule;
  /** Decay of the averaged weights; 0 keeps none. */
  readonly ema: number;
  /** Gradients are scaled down to this global norm; 0 leaves them. */
  readonly clip: number;
  /** Of the CPU. */
  readonly threads?: number;
  /** Of sessions over arrays of the host: other providers than the CPU, for instance. */
  readonly session?: NonNullable<CpuOptions['session']>;
  /** First values of all weights and running statistics, by name; copied. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** To go on from. */
  readonly restore?: Pick<Snapshot, 'averaged' | 'averageUpdates' | 'optimizer' | 'optimizerSteps'>;
}

/** Pictures that pass through the network at once. */
export interface MicroBatch {
  readonly size: number;
  /** [size, C, S, S] */
  readonly images: Float32Array;
  /** [size, K] */
  readonly targets: Float32Array;
  /** Of each picture in the loss: 1 / batch size gives the mean over the batch. */
  readonly weight: number;
  /** Stochastic depth masks [size, 1, ...] by input name. */
  readonly masks: ReadonlyMap<string, Float32Array>;
  /** As {@link Batch.keys}. */
  readonly keys?: readonly string[];
}

export interface PassResult {
  /** Cross-entropy of each picture, [size]. */
  readonly losses: Float32Array;
  /** [size, K] */
  readonly logits: Float32Array;
}

/** Everything that changes in training, readable on the host; valid until the engine's next call. */
export interface Snapshot {
  /** Weights and running statistics by name. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** The same, averaged; undefined without averaging. */
  readonly averaged?: ReadonlyMap<string, Float32Array>;
  readonly averageUpdates: number;
  /** Optimizer arrays as `slot/parameter`, and the number of its updates. */
  readonly optimizer: ReadonlyMap<string, Float32Array>;
  readonly optimizerSteps: OptimizerState['step'];
}

/** What a batch gave, in passes of its parts. */
export interface Pass {
  /** Of each part, in order. */
  readonly results: readonly PassResult[];
  /** Summed over the parts. */
  readonly gradients: Gradients;
  /**
   * Moves BatchNorm's running statistics by each part, in order. Once, and before the engine's next pass: an Error
   * afterwards. Without this call they stay as they were.
   * @param exchange gets what the parts add, one after another, each flat and of one length; what it resolves to is added
   * instead, in its order: that of other trainers' parts, for instance
   */
  moveStatistics(exchange?: (own: Float32Array) => Promise<Float32Array>): Promise<void>;
}

/**
 * Gradients on the engine's device. They serve once, for `climb` or for `update`, and before the engine's next pass: an
 * Error afterwards.
 */
export interface Gradients {
  /** Where each parameter's gradient lies in the flat array. */
  readonly layout: Layout;
  /** Hands them to `work` as one flat array on the host; what `work` leaves there are the gradients from then on. */
  onHost(work: (flat: Float32Array) => Promise<void>): Promise<void>;
  /** SAM's first half: goes to w + rho g / |g|. */
  climb(rho: number): Promise<Climbed>;
  /** Updates the weights, which SAM's climb left as they were, and their average. */
  update(learningRate: number): Promise<void>;
}

/** The weights that SAM climbed to; they last until the engine's next update. */
export interface Climbed {
  /** |g| over all parameters. */
  readonly norm: number;
  /** As {@link Engine.forwardBackward}, at these weights. */
  forwardBackward(parts: readonly MicroBatch[]): Promise<Pass>;
}

/** A network, its weights and its optimizer on one device. One call at a time. */
export interface Engine {
  /** Forward and backward, part after part. Without parts all gradients are 0. */
  forwardBackward(parts: readonly MicroBatch[]): Promise<Pass>;
  /**
   * Logits [n, K] in evaluation mode, of the averaged weights if there are any.
   * @param keys as {@link Batch.keys}
   */
  logits(images: Float32Array, n: number, keys?: readonly string[]): Promise<Float32Array>;
  snapshot(): Promise<Snapshot>;
  dispose(): Promise<void>;
}
