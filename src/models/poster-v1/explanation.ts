/*
 * What POSTER V1's attention can show over a picture, and what it cannot.
 *
 * The keys of `attn_lm` are tokens of the landmark stream, which are places: the image's tokens ask them. That is so at the
 * widest scale in the first block. After it a convolution has mixed all tokens, or, without mixing, the narrower scales have
 * been added, whose tokens are mixtures from the start. Keys of `attn_img` are tokens of the image: rows of a map in storage
 * order, five channels with all their places, so they are nowhere in the picture.
 */
import { gradients } from '../../autodiff/index.js';
import { dimOf, type Tensor } from '../../graph/index.js';
import { div, mul, reduceMean, reduceSum, relu, reshape, slice, softmax } from '../../ops/index.js';
import { shareOf, weightedScore } from '../explanation-parts.js';
import { inferenceOf, tapped } from '../forward.js';
import { type ExplanationGraph, explained, type Forward } from '../network-graphs.js';
import { type PosterV1Config, tokenSizes } from './poster-v1-config.js';

/**
 * Attention of the first block's image tokens to the places of the landmark stream. The token that is the mean of them all
 * has no place: it is left out, and the rest is divided by what is left. Undefined without that direction, and where no logit
 * depends on it: with one block and no mixing.
 */
export function posterV1Explanation(config: PosterV1Config, { logits, scope }: Forward): ExplanationGraph | undefined {
  const { blocks, mixing, directions } = config.fusion;
  if (directions === 'landmark-to-image' || (blocks === 1 && !mixing)) return undefined;
  const { side } = tokenSizes(config);
  const positions = side ** 2;
  const block = 'pyramid_fuse.blocks.0.block_l.attn_lm';
  const attention = tapped(scope, `${block}.probabilities`); // [N, heads, 1 + 49, 1 + 49]
  const [slope] = gradients(weightedScore(logits), [attention]);
  if (slope === undefined) throw new Error('the logits do not depend on the attention to landmarks');
  const n = dimOf(attention, 0);
  const onPositions = (x: Tensor): Tensor => slice(x, -1, 1, 1 + positions);
  const received = onPositions(reduceMean(attention, [-2]));
  const relevance = onPositions(reduceSum(reduceMean(relu(mul(attention, slope)), [1]), [1]));
  const face = slice(tapped(scope, 'pyramid_fuse.tokens'), 1, 1 + positions, 2 * (1 + positions));
  const outputs = {
    logits,
    probabilities: softmax(logits),
    [explained.scale(1)]: reshape(div(received, reduceSum(received, [-1], true)), [n, config.fusion.heads, side, side]),
    [explained.share(1)]: shareOf(tapped(scope, `${block}.added`), face),
    [explained.scaleRelevance(1)]: reshape(relevance, [n, side, side]),
  };
  const common = { scales: [1], sides: [side], direction: 'image-to-landmarks', classToken: undefined } as const;
  return { ...inferenceOf(outputs, scope), ...common };
}
