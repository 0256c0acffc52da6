import { input, type Tensor } from '../graph/index.js';
import { div, mul, reduceSum, sqrt } from '../ops/index.js';
import { explained } from './network-graphs.js';

/** What relevance is relevance for: the logits [N, K], weighted by an input and summed. */
export function weightedScore(logits: Tensor): Tensor {
  return reduceSum(mul(logits, input(explained.classWeights, 'float32', logits.shape)), [1, 0]);
}

/** Length of what is added to tokens, relative to their own: [N, T, C] twice -> [N]. */
export function shareOf(added: Tensor, tokens: Tensor): Tensor {
  return div(lengthOf(added), lengthOf(tokens));
}

/** Euclidean length over all but the first axis: [N, T, C] -> [N]. */
function lengthOf(x: Tensor): Tensor {
  return sqrt(reduceSum(reduceSum(mul(x, x), [2]), [1]));
}
