import { itemAt } from '../common/item-at.js';
import { dimOf, fixedDim, GraphError, mapDims, type Tensor } from '../graph/index.js';
import { reduceMean, relativePositionBias, reshape, transpose, transposeLast } from '../ops/index.js';
import { attend, headSize, mergeHeads, splitHeads } from './attention.js';
import { truncatedNormal } from './initializer.js';
import { linear, linears } from './layers.js';
import type { Scope } from './scope.js';

export interface WindowAttentionConfig {
  readonly heads: number;
  /** Side of a window; divides the side of the map. */
  readonly window: number;
  /** Whether Swin's relative position bias is added; default true. */
  readonly positionBias?: boolean;
}

/**
 * Window cross-attention of POSTER V2: in every window of the image's tokens, the landmark features are the queries as
 * they are (scaled, not projected), keys and values come from the image, and Swin's relative position bias is added.
 *
 * With more than one window the landmark map is brought down to the size of a window, by averaging, and queries each of
 * them: the paper has the landmark features at window size, without saying how. Without landmark features the image's
 * own tokens are the queries.
 *
 * @param tokens [N, S S, C], S being the side of the map
 * @param landmark [N, C, S, S], or undefined
 * @returns [N, S S, C]
 */
export function windowCrossAttention(
  scope: Scope,
  tokens: Tensor,
  landmark: Tensor | undefined,
  config: WindowAttentionConfig,
): Tensor {
  const { heads, window, positionBias = true } = config;
  const features = fixedDim(tokens, -1, 'WindowCrossAttention');
  const side = Math.sqrt(fixedDim(tokens, 1, 'WindowCrossAttention'));
  if (!Number.isInteger(side) || !Number.isInteger(side / window)) {
    throw new GraphError('WindowCrossAttention', [tokens], `windows of ${window} do not divide the map`);
  }
  const size = headSize(tokens, heads);
  const bias = positionBias ? positionBiasOf(scope, config) : undefined;
  const windows = toWindows(tokens, side, window); // [N, w w, C], with several windows [N, windows, w w, C]
  // The queries' scale rides on the weight of the keys: the product is the same.
  const scale = [size ** -0.5];
  const parts = linears(scope.at('qkv'), windows, { features, parts: 2, scale });
  const [k, v] = [itemAt(parts, 0), itemAt(parts, 1)];
  const q = landmark ? landmarkQueries(landmark, heads, window) : splitHeads(windows, heads, 'rows');
  const attended = attend(scope, q, splitHeads(k, heads, 'columns'), splitHeads(v, heads, 'rows'), bias);
  return fromWindows(linear(scope.at('proj'), mergeHeads(attended), { features }), side, window);
}

/** [heads, w w, w w] */
function positionBiasOf(scope: Scope, { heads, window }: WindowAttentionConfig): Tensor {
  const table = scope.parameter('relative_position_bias_table', [(2 * window - 1) ** 2, heads], truncatedNormal(0.02));
  return relativePositionBias(table, window);
}

/** [N, C, S, S] -> [N, heads, w w, d], with several windows [N, 1, heads, w w, d]. */
function landmarkQueries(landmark: Tensor, heads: number, window: number): Tensor {
  const [n, channels, side, across] = mapDims(landmark);
  const block = side / window;
  if (!Number.isInteger(block) || across !== side) {
    throw new GraphError('WindowCrossAttention', [landmark], `the landmark map is no multiple of the window ${window}`);
  }
  let pooled = landmark;
  if (block > 1) {
    const blocks = reshape(landmark, [n, channels * window, block, window, block]);
    pooled = reduceMean(reduceMean(blocks, [4]), [2]);
  }
  // Channels come first in memory: heads split off for free, and one transpose is left.
  const queries = transposeLast(reshape(pooled, [n, heads, channels / heads, window * window]));
  return block === 1 ? queries : reshape(queries, [n, 1, heads, window * window, channels / heads]);
}

/** [N, S S, C] -> [N, (S / w)^2, w w, C]; as it is where one window covers the map. */
function toWindows(tokens: Tensor, side: number, window: number): Tensor {
  if (side === window) return tokens;
  const [n, channels] = [dimOf(tokens, 0), fixedDim(tokens, 2)];
  const count = side / window;
  const grid = reshape(tokens, [n, count, window, count, window, channels]);
  return reshape(transpose(grid, [0, 1, 3, 2, 4, 5]), [n, count * count, window * window, channels]);
}

/** The inverse of {@link toWindows}. */
function fromWindows(windows: Tensor, side: number, window: number): Tensor {
  if (side === window) return windows;
  const [n, channels] = [dimOf(windows, 0), fixedDim(windows, 3)];
  const count = side / window;
  const grid = reshape(windows, [n, count, count, window, window, channels]);
  return reshape(transpose(grid, [0, 1, 3, 2, 4, 5]), [n, side * side, channels]);
}
