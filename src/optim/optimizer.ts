import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import { type AdamKernel, createAdamKernel } from './adam-kernel.js';
import { allocate, type Gradients, type Layout, partOf, tensorsOf } from './flat-layout.js';

/** Adam (Kingma and Ba) and AdamW (Loshchilov and Hutter), as `torch.optim.Adam` and `AdamW`. */
export interface AdamConfig {
  /** `adam` adds weightDecay * w to the gradient; `adamw` shrinks w by lr * weightDecay instead. */
  readonly type: 'adam' | 'adamw';
  /** Base learning rate, what a schedule starts from. */
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
}

/** Stochastic gradient descent with momentum, as `torch.optim.SGD` with dampening 0. */
export interface SgdConfig {
  readonly type: 'sgd';
  readonly lr: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  /** weightDecay * w is added to the gradient. */
  readonly weightDecay: number;
}

export type OptimizerConfig = AdamConfig | SgdConfig;

/** Says which parameters weight decay applies to. */
export type DecayRule = (name: string, shape: readonly number[]) => boolean;

/** Every parameter, as PyTorch does. */
export const decayAll: DecayRule = () => true;
/** Weights of convolutions and linear layers only: no biases, no normalisation scales. */
export const decayMatrices: DecayRule = (_name, shape) => shape.length >= 2;

export interface AdamState {
  readonly type: 'adam';
  /** Updates made so far. */
  step: number;
  /** Running mean of gradients, flat. */
  readonly expAvg: Float32Array;
  /** Running mean of squared gradients, flat. */
  readonly expAvgSq: Float32Array;
  readonly kernel: AdamKernel;
  /** Whether weight decay applies, by index in the layout. */
  readonly decays: readonly boolean[];
}

export interface SgdState {
  readonly type: 'sgd';
  step: number;
  /** Flat; of length 0 where the momentum is 0. */
  readonly momentumBuffer: Float32Array;
  readonly decays: readonly boolean[];
}

export type OptimizerState = AdamState | SgdState;

/** PyTorch's defaults for all but the learning rate; AdamW's weight decay is 0.01, the others' 0. */
export function adam(lr: number, options: Partial<Omit<AdamConfig, 'type' | 'lr'>> = {}): AdamConfig {
  return { type: 'adam', lr, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, ...options };
}
export function adamw(lr: number, options: Partial<Omit<AdamConfig, 'type' | 'lr'>> = {}): AdamConfig {
  return { type: 'adamw', lr, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01, ...options };
}
export function sgd(lr: number, options: Partial<Omit<SgdConfig, 'type' | 'lr'>> = {}): SgdConfig {
  return { type: 'sgd', lr, momentum: 0, nesterov: false, weightDecay: 0, ...options };
}

/** A UserError if a number is out of its range (the ranges PyTorch accepts). */
export function checkOptimizer(config: OptimizerConfig): void {
  atLeastZero('learning rate', config.lr);
  atLeastZero('weight decay', config.weightDecay);
  if (config.type === 'sgd') {
    atLeastZero('momentum', config.momentum);
    if (config.nesterov && config.momentum === 0) {
      throw new UserError('Nesterov momentum needs a momentum above 0; set one or turn nesterov off.', 'usage');
    }
    return;
  }
  atLeastZero('epsilon of Adam', config.eps);
  for (const beta of config.betas) {
    if (!(beta >= 0 && beta < 1)) {
      throw new UserError(`A beta of Adam must be at least 0 and below 1, not ${beta}.`, 'usage');
    }
  }
}

function atLeastZero(what: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value))) {
    throw new UserError(`The ${what} must be a finite number of at least 0, not ${value}.`, 'usage');
  }
}

/** Flat arrays of zeros over one layout. Adam's kernel is fastest on those that it was made with. */
export interface TrainingMemory {
  readonly parameters: Float32Array<ArrayBuffer>;
  /** What the optimizer keeps of each parameter: two arrays for Adam, one for momentum. */
  readonly moments: readonly Float32Array<ArrayBuffer>[];
  /** Of Adam's memory only. */
  readonly kernel?: AdamKernel;
}

/** Memory for the parameters of a network, which the caller owns, and beside it the moments. */
export function reserve(config: OptimizerConfig, layout: Layout): TrainingMemory {
  if (config.type === 'sgd') {
    return { parameters: allocate(layout), moments: config.momentum > 0 ? [allocate(layout)] : [] };
  }
  const { arrays, kernel } = createAdamKernel(layout.total, 3);
  return { parameters: itemAt(arrays, 0), moments: arrays.slice(1), kernel };
}

/**
 * The state before the first update. Throws what `checkOptimizer` throws.
 * @param memory that the moments are kept in; still zero
 */
export function createState(
  config: OptimizerConfig,
  layout: Layout,
  decay: DecayRule = decayAll,
  { moments, kernel }: TrainingMemory = reserve(config, layout),
): OptimizerState {
  checkOptimizer(config);
  const decays = layout.names.map((name, index) => decay(name, itemAt(layout.shapes, index)));
  if (config.type === 'sgd') return { type: 'sgd', step: 0, momentumBuffer: moments[0] ?? new Float32Array(0), decays };
  if (kernel === undefined) throw new Error('memory that was reserved for SGD has no kernel for Adam');
  return { type: 'adam', step: 0, expAvg: itemAt(moments, 0), expAvgSq: itemAt(moments, 1), kernel, decays };
}

/**
 * One update, in place on `params` and `state`. `lr` is this step's learning rate (of a schedule). `params` is flat over
 * the layout, gradients are only read. Nothing is changed if gradients are missing or of the wrong size (an Error).
 * Adam computes in float32 (see adam-kernel.ts), SGD in float64; results differ from
 * PyTorch's by float32 roundings.
 */
export function update(
  config: OptimizerConfig,
  state: OptimizerState,
  layout: Layout,
  params: Float32Array,
  gradients: Gradients,
  lr: number = config.lr,
): void {
  const tensors = tensorsOf(layout, params);
  const slopes = tensorsOf(layout, gradients);
  if (config.type === 'sgd' && state.type === 'sgd') {
    updateSgd(config, state, layout, tensors, slopes, lr);
  } else if (config.type !== 'sgd' && state.type === 'adam') {
    updateAdam(config, state, layout, tensors, slopes, lr);
  } else {
    throw new Error(`an optimizer of type ${config.type} cannot go on from the state of ${state.type}`);
  }
}

/** The numbers of one Adam step, shared by the loop here and by graphs that do the same on a device. */
export interface AdamCoefficients {
  /** Factor of the first moment: lr * sqrt(1 - beta2^t) / (1 - beta1^t). */
  readonly stepSize: number;
  /** Added to the root of the second moment: eps * sqrt(1 - beta2^t). */
  readonly eps: number;
  /** Factor of the parameters themselves: 1 - lr * weightDecay for AdamW, else 1. */
  readonly shrink: number;
  /** Share of the parameters added to the gradient: weightDecay for Adam, else 0. */
  readonly l2: number;
}

/**
 * PyTorch computes w -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps). Both sides of the fraction are
 * multiplied by sqrt(1 - beta2^t), which leaves one division an element. `step` counts from 1.
 */
export function adamCoefficients(config: AdamConfig, step: number, lr: number): AdamCoefficients {
  const [beta1, beta2] = config.betas;
  const root = Math.sqrt(1 - beta2 ** step);
  return {
    stepSize: (lr * root) / (1 - beta1 ** step),
    eps: config.eps * root,
    shrink: config.type === 'adamw' ? 1 - lr * config.weightDecay : 1,
    l2: config.type === 'adam' ? config.weightDecay : 0,
  };
}

function updateAdam(
  config: AdamConfig,
  state: AdamState,
  layout: Layout,
  tensors: readonly Float32Array[],
  slopes: readonly Float32Array[],
  lr: number,
): void {
  const first = tensorsOf(layout, state.expAvg);
  const second = tensorsOf(layout, state.expAvgSq);
  state.step++;
  const [beta1, beta2] = config.betas;
  const { stepSize, eps, shrink, l2 } = adamCoefficients(config, state.step, lr);
  tensors.forEach((w, index) => {
    const decays = state.decays[index] === true;
    const g = partOf(slopes, index);
    const m = partOf(first, index);
    const v = partOf(second, index);
    state.kernel(w, g, m, v, { beta1, beta2, stepSize, eps, shrink: decays ? shrink : 1, l2: decays ? l2 : 0 });
  });
}

function updateSgd(
  config: SgdConfig,
  state: SgdState,
  layout: Layout,
  tensors: readonly Float32Array[],
  slopes: readonly Float32Array[],
  lr: number,
): void {
  const { momentum, nesterov, weightDecay } = config;
  const buffers = momentum === 0 ? [] : tensorsOf(layout, state.momentumBuffer);
  // w -= lr * (g + momentum * b) with Nesterov's momentum, w -= lr * b without.
  const onGradient = nesterov ? lr : 0;
  const onBuffer = nesterov ? lr * momentum : lr;
  state.step++;
  tensors.forEach((w, index) => {
    const g = partOf(slopes, index);
    const l2 = state.decays[index] === true ? weightDecay : 0;
    if (momentum === 0) sgdLoop(w, g, lr, l2);
    else momentumLoop(w, g, partOf(buffers, index), momentum, onGradient, onBuffer, l2);
  });
}

function sgdLoop(weights: Float32Array, gradient: Float32Array, lr: number, l2: number): void {
  const size = weights.length;
  for (let i = 0; i < size; i++) {
    const w = weights[i] as number;
    weights[i] = w - lr * ((gradient[i] as number) + l2 * w);
  }
}

/** PyTorch's first step sets the buffer to the gradient: from zeros, and without dampening, this loop does the same. */
function momentumLoop(
  weights: Float32Array,
  gradient: Float32Array,
  buffer: Float32Array,
  momentum: number,
  onGradient: number,
  onBuffer: number,
  l2: number,
): void {
  const size = weights.length;
  for (let i = 0; i < size; i++) {
    const w = weights[i] as number;
    const g = (gradient[i] as number) + l2 * w;
    const b = momentum * (buffer[i] as number) + g;
    buffer[i] = b;
    weights[i] = w - (onGradient * g + onBuffer * b);
  }
}
