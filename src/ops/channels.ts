import { dimOf, mapDims, type Tensor } from '../graph/index.js';
import { reduceMean, reduceSum } from './reduce.js';
import { reshape } from './shape.js';

/** [C] as [C, 1, 1], which broadcasts over [N, C, H, W]. */
export const perChannel = (t: Tensor): Tensor => reshape(t, [dimOf(t, 0), 1, 1]);

/** [N, C, H, W] -> [N, C, H W]: sums over a contiguous last axis are the fast ones. */
export function flatMap(x: Tensor): Tensor {
  const [n, c, h, w] = mapDims(x);
  return reshape(x, [n, c, h * w]);
}

/** Mean over batch and map by channel, in two steps for the sake of float32's digits. */
export function channelMean(x: Tensor): Tensor {
  return reduceMean(reduceMean(flatMap(x), [2]), [0]);
}

export function channelSum(x: Tensor): Tensor {
  return reduceSum(reduceSum(flatMap(x), [2]), [0]);
}
