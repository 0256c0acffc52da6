import { itemAt } from '../common/item-at.js';
import { dimOf, fixedDim, GraphError, type Tensor } from '../graph/index.js';
import * as ops from '../ops/index.js';
import { biasInit, kaimingUniform, ones, zeros } from './initializer.js';
import type { Scope } from './scope.js';

export interface ConvConfig {
  /** Output channels. */
  readonly channels: number;
  /** Side of the square kernel. */
  readonly kernel: number;
  readonly stride?: number;
  /** Zeros on every side; default 0. */
  readonly padding?: number;
  readonly groups?: number;
  /** Default true, as in PyTorch. */
  readonly bias?: boolean;
}

/** torch.nn.Conv2d: x [N, I, H, W] -> [N, channels, H', W']; parameters `weight` and `bias`. */
export function conv2d(scope: Scope, x: Tensor, config: ConvConfig): Tensor {
  const { channels, kernel, stride = 1, padding = 0, groups = 1 } = config;
  const perGroup = fixedDim(x, 1, 'Conv') / groups;
  const weight = scope.parameter('weight', [channels, perGroup, kernel, kernel], kaimingUniform);
  const bias =
    config.bias === false ? undefined : scope.parameter('bias', [channels], biasInit(perGroup * kernel ** 2));
  return ops.conv2d(x, weight, bias, { stride, padding, groups, fixed: scope.fixed });
}

const momentum = 0.1;
/** What a running statistic shrinks to before a pass adds its own. */
export const statisticDecay = 1 - momentum;

/**
 * torch.nn.BatchNorm2d over x [N, C, H, W] (momentum 0.1, epsilon 1e-5): with the running statistics, or, where the scope
 * says so, with those of the batch; then the new running statistics are recorded in the scope, the variance divided by
 * n - 1 as PyTorch does (n = N H W).
 */
export function batchNorm(scope: Scope, x: Tensor): Tensor {
  const channels = fixedDim(x, 1, 'BatchNorm');
  const weight = scope.parameter('weight', [channels], ones);
  const bias = scope.parameter('bias', [channels], zeros);
  const mean = scope.buffer('running_mean', [channels], zeros);
  const variance = scope.buffer('running_var', [channels], ones);
  if (scope.statistics === 'running') return ops.batchNorm(x, weight, bias, mean, variance);
  const batch = ops.batchNormTraining(x, weight, bias);
  scope.update('running_mean', ops.mul(batch.mean, momentum));
  scope.update('running_var', ops.mul(batch.variance, unbiased(scope, x)));
  return batch.y;
}

/** momentum n / (n - 1) for the n samples of a channel; one scalar for all layers of the same map. */
function unbiased(scope: Scope, x: Tensor): Tensor {
  const map = fixedDim(x, 2, 'BatchNorm') * fixedDim(x, 3, 'BatchNorm');
  return scope.shared(`momentum n/(n-1) for ${map}`, () => {
    const n = ops.mul(
      scope.shared('batch size', () => ops.countOf(x, [0])),
      map,
    );
    // A single sample has no variance; PyTorch refuses it, here its variance (0) counts as it is: max(n - 1, 1).
    const others = ops.neg(ops.minimum(ops.sub(1, n), -1));
    return ops.mul(ops.div(n, others), momentum);
  });
}

/** torch.nn.PReLU with a slope for each channel of x [N, C, H, W]; parameter `weight` [C]. */
export function prelu(scope: Scope, x: Tensor): Tensor {
  const channels = fixedDim(x, 1, 'PRelu');
  const slope = scope.parameter('weight', [channels], { kind: 'constant', value: 0.25 });
  return ops.prelu(x, ops.reshape(slope, [channels, 1, 1]), { fixed: scope.fixed });
}

export interface LinearConfig {
  /** Size of the last axis of the result. */
  readonly features: number;
  /** Default true. */
  readonly bias?: boolean;
  /** How a checkpoint holds the weight, where it is that of a 1x1 convolution: [features, I, 1, 1]. */
  readonly weightShape?: readonly number[];
}

/** torch.nn.Linear over the last axis: x [..., I] -> [..., features]; parameters `weight` [features, I] and `bias`. */
export function linear(scope: Scope, x: Tensor, config: LinearConfig): Tensor {
  return itemAt(linears(scope, x, { ...config, parts: 1 }), 0);
}

export interface LinearsConfig extends LinearConfig {
  /** How many linear maps of `features` each share the weight [parts * features, I]. */
  readonly parts: number;
  /** Factors for the parts, 1 where undefined: multiplied into the weight, which is smaller than the result. */
  readonly scale?: readonly (number | undefined)[];
}

/**
 * Several linear maps whose weights lie in one parameter, such as queries, keys and values. The weight is cut, not the
 * result: it is the smaller of the two, and constant in inference.
 */
export function linears(scope: Scope, x: Tensor, config: LinearsConfig): Tensor[] {
  const weights = linearWeights(scope, fixedDim(x, -1, 'Linear'), config);
  return weights.map(({ weight, bias }) => ops.linear(x, weight, bias));
}

export interface LinearWeights {
  /** [features, I] */
  readonly weight: Tensor;
  /** [features] */
  readonly bias: Tensor | undefined;
}

/** The weights of {@link linears}, for maps of different tensors. */
export function linearWeights(scope: Scope, inputs: number, config: LinearsConfig): LinearWeights[] {
  const { features, parts } = config;
  const shape = [parts * features, inputs];
  const weight = ops.reshape(scope.parameter('weight', config.weightShape ?? shape, kaimingUniform), shape);
  const bias = config.bias === false ? undefined : scope.parameter('bias', [parts * features], biasInit(inputs));
  return Array.from({ length: parts }, (_, part) => {
    const cut = (t: Tensor): Tensor => {
      const own = ops.slice(t, 0, part * features, (part + 1) * features);
      const factor = config.scale?.[part];
      return factor === undefined ? own : ops.mul(own, factor);
    };
    return { weight: cut(weight), bias: bias && cut(bias) };
  });
}

/** torch.nn.LayerNorm over the last axis; parameters `weight` and `bias`. */
export function layerNorm(scope: Scope, x: Tensor, config: { readonly epsilon?: number } = {}): Tensor {
  const size = fixedDim(x, -1, 'LayerNorm');
  const [weight, bias] = [scope.parameter('weight', [size], ones), scope.parameter('bias', [size], zeros)];
  return ops.layerNorm(x, weight, bias, config.epsilon ?? 1e-5);
}

/** Two linear layers (`fc1`, `fc2`) with exact GELU between them: x [..., C] -> [..., hidden] -> [..., C]. */
export function mlp(scope: Scope, x: Tensor, config: { readonly hidden: number }): Tensor {
  const hidden = ops.gelu(linear(scope.at('fc1'), x, { features: config.hidden }));
  return linear(scope.at('fc2'), hidden, { features: fixedDim(x, -1, 'Mlp') });
}

/**
 * Squeeze-excite over features x [N, C]: x sigmoid(linear2(relu(linear1(x)))), all of width C.
 * (Published as SEBlock; there is no map to squeeze here.)
 */
export function squeezeExcite(scope: Scope, x: Tensor): Tensor {
  const features = fixedDim(x, -1, 'SqueezeExcite');
  const squeezed = ops.relu(linear(scope.at('linear1'), x, { features }));
  return ops.mul(x, ops.sigmoid(linear(scope.at('linear2'), squeezed, { features })));
}

/**
 * Stochastic depth (Huang et al., arXiv 1603.09382): x [N, ..., C], or for a share `rate` of the samples of a training batch
 * nothing, the others scaled by 1 / (1 - rate).
 */
export function stochasticDepth(scope: Scope, name: string, x: Tensor, rate: number): Tensor {
  if (rate === 0 || !scope.skipsBranches) return x;
  return ops.mul(x, scope.dropPath(name, rate, x.shape.length));
}

/**
 * Stochastic depth with layer scale: gamma x, or for a share `rate` of the samples of a training batch nothing, the others
 * scaled by 1 / (1 - rate). Both factors are joined before they meet x [N, ..., C]: one pass.
 * @param gamma [C]
 */
export function scaledBranch(scope: Scope, name: string, x: Tensor, gamma: Tensor, rate: number): Tensor {
  if (rate === 0 || !scope.skipsBranches) return ops.mul(x, gamma);
  return ops.mul(x, ops.mul(scope.dropPath(name, rate, x.shape.length), gamma));
}

/**
 * Nearest sampling of x [N, C, H, W] to [N, C, size, size], H and W being multiples of size: every (H / size)th pixel, as
 * torch.nn.functional.interpolate takes them.
 */
export function nearest(x: Tensor, size: number): Tensor {
  const steps = [2, 3].map((axis) => fixedDim(x, axis, 'Nearest') / size);
  if (!steps.every(Number.isInteger)) throw new GraphError('Nearest', [x], `the map is no multiple of ${size}`);
  return subsample(x, itemAt(steps, 0), itemAt(steps, 1));
}

/** Every `rows`th row and `columns`th column of x [N, C, H, W]; torch.nn.MaxPool2d(1, stride) does the same. */
export function subsample(x: Tensor, rows: number, columns = rows): Tensor {
  return ops.subsample(x, rows, columns);
}

/** [N, C, H, W] -> tokens [N, H W, C]. */
export function toTokens(x: Tensor): Tensor {
  const channels = fixedDim(x, 1, 'ToTokens');
  const count = fixedDim(x, 2, 'ToTokens') * fixedDim(x, 3, 'ToTokens');
  return ops.transposeLast(ops.reshape(x, [dimOf(x, 0), channels, count]));
}

/** Tokens [N, size size, C] -> [N, C, size, size]. */
export function toMap(x: Tensor, size: number): Tensor {
  return ops.reshape(ops.transposeLast(x), [dimOf(x, 0), fixedDim(x, 2, 'ToMap'), size, size]);
}
