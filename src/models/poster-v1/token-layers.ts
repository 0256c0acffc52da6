/*
 * Convolutions over features whose channels are tokens: each output token is a mixture of all tokens. Written as linear
 * layers, since kernel and stride are equal.
 */
import { dimOf, fixedDim, GraphError, type Tensor } from '../../graph/index.js';
import { biasInit, kaimingUniform, type Scope } from '../../nn/index.js';
import { add, linear, reshape, transpose, transposeLast } from '../../ops/index.js';

/** torch.nn.Conv1d(T, T, kernel, stride=kernel) over x [N, T, C] -> [N, T, C / kernel]; `weight` [T, T, kernel] and `bias`. */
export function tokenConvolution(scope: Scope, x: Tensor, kernel: number): Tensor {
  const [n, tokens, features] = [dimOf(x, 0), fixedDim(x, 1), fixedDim(x, 2)];
  const positions = features / kernel;
  if (!Number.isInteger(positions)) throw new GraphError('Conv', [x], `the features are no multiple of ${kernel}`);
  const weight = scope.parameter('weight', [tokens, tokens, kernel], kaimingUniform);
  const bias = scope.parameter('bias', [tokens], biasInit(tokens * kernel));
  const cut = transpose(reshape(x, [n, tokens, positions, kernel]), [0, 2, 1, 3]);
  const columns = reshape(cut, [n, positions, tokens * kernel]);
  return transposeLast(linear(columns, reshape(weight, [tokens, tokens * kernel]), bias));
}

/**
 * torch.nn.ConvTranspose1d(T, T, factor, stride=factor) over x [N, T, C] -> [N, T, factor C]; `weight` [T in, T out, factor]
 * and `bias`.
 */
export function tokenUpsampling(scope: Scope, x: Tensor, factor: number): Tensor {
  const [n, tokens, features] = [dimOf(x, 0), fixedDim(x, 1), fixedDim(x, 2)];
  const weight = scope.parameter('weight', [tokens, tokens, factor], kaimingUniform);
  const bias = scope.parameter('bias', [tokens], biasInit(tokens * factor));
  const toAll = transposeLast(reshape(weight, [tokens, tokens * factor]));
  const projected = reshape(linear(transposeLast(x), toAll), [n, features, tokens, factor]);
  const spread = reshape(transpose(projected, [0, 2, 1, 3]), [n, tokens, features * factor]);
  return add(spread, reshape(bias, [tokens, 1]));
}
