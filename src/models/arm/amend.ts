import { dimOf, fixedDim, GraphError, product, type Tensor } from '../../graph/index.js';
import { batchNorm, kaimingUniform, ones, type Scope } from '../../nn/index.js';
import { add, conv2d, mul, reduceMean, reshape, transpose } from '../../ops/index.js';

export interface AmendConfig {
  /** Side of the square of places that each place of the last map is spread over. Published: 16. */
  readonly shuffle: number;
  /** Side of the one kernel for all channels, a multiple of its stride. Published: 32. */
  readonly kernel: number;
  /** Divides the side of the map. Published: 8. */
  readonly stride: number;
}

/** torch.nn.PixelShuffle: [N, C r r, H, W] -> [N, C, r H, r W]. */
export function pixelShuffle(x: Tensor, factor: number): Tensor {
  const [n, height, width] = [dimOf(x, 0), fixedDim(x, 2), fixedDim(x, 3)];
  const channels = fixedDim(x, 1) / factor ** 2;
  const transposed = transpose(reshape(x, [n, channels, factor, factor, height, width]), [0, 1, 4, 2, 5, 3]);
  return reshape(transposed, [n, channels, factor * height, factor * width]);
}

/**
 * The amend-representation module: x [N, C, S, S] -> [N, 1, s, s], the mean over the channels of what the kernel makes of
 * each, and `alpha` times the mean over all pictures of the batch.
 * @param acrossBatch whether that second mean is over the batch; without, each picture's own mean stands for it
 */
export function amend(scope: Scope, x: Tensor, config: AmendConfig, acrossBatch: boolean): Tensor {
  const filtered = scope.tap('albino', sharedKernel(scope.at('de_albino'), x, config));
  const [n, channels, side] = [dimOf(x, 0), fixedDim(x, 1), fixedDim(filtered, 2)];
  const maps = reshape(filtered, [n, channels, side, side]);
  const own = reduceMean(scope.tap('bn', batchNorm(scope.at('bn'), maps)), [1], true);
  const global = acrossBatch ? reduceMean(own, [0], true) : own;
  return scope.tap('amended', add(own, mul(global, scope.parameter('alpha', [1], ones))));
}

/**
 * One kernel [1, 1, k, k] over each channel by itself: [N, C, S, S] -> [N C, 1, s, s]. Blocks as large as the stride become
 * channels, so that the kernel is a small one of stride 1.
 */
function sharedKernel(scope: Scope, x: Tensor, { kernel, stride }: AmendConfig): Tensor {
  const [n, channels, side] = [dimOf(x, 0), fixedDim(x, 1), fixedDim(x, 2)];
  const weight = scope.parameter('weight', [1, 1, kernel, kernel], kaimingUniform);
  const [blocks, span, depth] = [side / stride, kernel / stride, stride ** 2];
  const pictures = product([n, channels]); // each channel is a picture of its own
  if (pictures === undefined) throw new GraphError('Amend', [x], 'only the first axis may depend on the batch');
  const transposed = transpose(reshape(x, [pictures, blocks, stride, blocks, stride]), [0, 2, 4, 1, 3]);
  const kernels = transpose(reshape(weight, [span, stride, span, stride]), [1, 3, 0, 2]);
  const cut = reshape(transposed, [pictures, depth, blocks, blocks]);
  return conv2d(cut, reshape(kernels, [1, depth, span, span]), undefined, { fixed: scope.fixed });
}
