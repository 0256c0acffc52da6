import { itemAt } from '../common/item-at.js';
import { fixedDim, GraphError, type Tensor } from '../graph/index.js';
import { add, linear as apply, matmul, reshape, softmax, transpose } from '../ops/index.js';
import { linear, linearWeights } from './layers.js';
import type { Scope } from './scope.js';

export interface AttentionConfig {
  readonly heads: number;
}

/**
 * Multi-head attention of `queries` over `x` with one `qkv` layer and `proj`, as in ViT:
 * queries [N, Q, C], x [N, T, C] -> [N, Q, C]. Self-attention is `queries === x`; fewer queries cost less.
 */
export function attention(scope: Scope, queries: Tensor, x: Tensor, config: AttentionConfig): Tensor {
  const features = fixedDim(x, -1, 'Attention');
  const size = headSize(x, config.heads);
  // The scale rides on the weight of the queries.
  const scale = [size ** -0.5];
  const parts = linearWeights(scope.at('qkv'), features, { features, parts: 3, scale });
  const [toQ, toK, toV] = [itemAt(parts, 0), itemAt(parts, 1), itemAt(parts, 2)];
  const q = splitHeads(apply(queries, toQ.weight, toQ.bias), config.heads, 'rows'); // [N, heads, Q, d]
  const k = splitHeads(apply(x, toK.weight, toK.bias), config.heads, 'columns'); // [N, heads, d, T]
  const v = splitHeads(apply(x, toV.weight, toV.bias), config.heads, 'rows'); // [N, heads, T, d]
  return linear(scope.at('proj'), mergeHeads(attend(scope, q, k, v)), { features });
}

/**
 * softmax(q k + bias) v: q [..., Q, d], k [..., d, T], v [..., T, d], bias [heads, Q, T] -> [..., Q, d].
 * The softmax [..., Q, T] is tapped as `probabilities`.
 */
export function attend(scope: Scope, q: Tensor, k: Tensor, v: Tensor, bias?: Tensor): Tensor {
  const scores = matmul(q, k);
  return matmul(scope.tap('probabilities', softmax(bias ? add(scores, bias) : scores)), v);
}

/** Channels of each head. */
export function headSize(x: Tensor, heads: number): number {
  const size = fixedDim(x, -1, 'Attention') / heads;
  if (!Number.isInteger(size)) throw new GraphError('Attention', [x], `the channels do not divide into ${heads} heads`);
  return size;
}

/** [..., T, heads d] -> [..., heads, T, d] (`rows`), or transposed for the right side of a product (`columns`). */
export function splitHeads(x: Tensor, heads: number, tokensAs: 'rows' | 'columns'): Tensor {
  const outer = x.shape.slice(0, -2);
  const split = reshape(x, [...outer, fixedDim(x, -2, 'Attention'), heads, headSize(x, heads)]);
  const [t, h, d] = [outer.length, outer.length + 1, outer.length + 2];
  return transpose(split, [...outer.keys(), ...(tokensAs === 'rows' ? [h, t, d] : [h, d, t])]);
}

/** [..., heads, T, d] -> [..., T, heads d]. */
export function mergeHeads(x: Tensor): Tensor {
  const outer = x.shape.slice(0, -3);
  const [heads, tokens, size] = [fixedDim(x, -3), fixedDim(x, -2), fixedDim(x, -1)];
  const n = outer.length;
  return reshape(transpose(x, [...outer.keys(), n + 1, n, n + 2]), [...outer, tokens, heads * size]);
}
