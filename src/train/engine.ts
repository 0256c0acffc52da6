import type { OptimizerState } from '../optim/index.js';

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
