import type { PosterV2Config } from '../models/index.js';
import type { DecayRule, Gradients, Layout, OptimizerConfig, OptimizerState } from '../optim/index.js';
import type { CpuOptions } from '../runtime/index.js';
import type { TrainingProgram } from './program.js';

export interface EngineOptions {
  readonly config: PosterV2Config;
  /** What `trainingProgram` gives for `config` and the device, where that is known already. */
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
  /** Seam for training across machines: sees the gradients, on the host, before every climb and update. */
  readonly exchange?: (gradients: Gradients, layout: Layout) => Promise<Gradients>;
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

/**
 * A network, its weights and its optimizer on one device. The order of calls is: `pass` for each micro-batch, then
 * `climb` and the same passes again (SAM), then `update`.
 */
export interface Engine {
  /**
   * Forward and backward: gradients add up, running statistics move.
   * @param climbed at the weights that `climb` went to, not at the weights themselves.
   */
  pass(batch: MicroBatch, climbed: boolean): Promise<PassResult>;
  /** SAM's first half: goes to w + rho g / |g| and clears the gradients. @returns |g| */
  climb(rho: number): Promise<number>;
  /** Updates the weights (and their average) with the gradients that added up, and clears those. */
  update(learningRate: number): Promise<void>;
  /** Logits [n, K] in evaluation mode, of the averaged weights if there are any. */
  logits(images: Float32Array, n: number): Promise<Float32Array>;
  snapshot(): Promise<Snapshot>;
  dispose(): Promise<void>;
}
