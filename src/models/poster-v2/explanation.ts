import { gradients } from '../../autodiff/index.js';
import { itemAt } from '../../common/item-at.js';
import { dimOf, type Tensor } from '../../graph/index.js';
import { div, mul, reduceMean, reduceSum, relu, reshape, softmax, transpose } from '../../ops/index.js';
import { shareOf, weightedScore } from '../explanation-parts.js';
import { inferenceOf, tapped as tappedIn } from '../forward.js';
import { type ExplanationGraph, explained, type Forward } from '../network-graphs.js';
import { mapSizes, type PosterV2Config } from './poster-v2-config.js';

/** What an {@link ExplanationGraph} says, for POSTER V2: S is the side of a scale's map, all scales end in one grid. */
export function posterV2Explanation(config: PosterV2Config, { logits, scope }: Forward): ExplanationGraph {
  const tapped = (name: string): Tensor => tappedIn(scope, name);
  const { scales } = config;
  const { blocks } = config.transformer;
  const sizes = mapSizes(config);
  const blockAttention = Array.from({ length: blocks }, (_, b) => tapped(`VIT.blocks.${b}.attn.probabilities`));
  const attentions = [
    ...scales.map((scale) => tapped(`attn${scale}.probabilities`)),
    tapped(`VIT.blocks.${blocks - 1}.attn.probabilities`),
  ];
  const slopes = gradients(weightedScore(logits), attentions);
  const outputs = new Map<string, Tensor>([
    ['logits', logits],
    ['probabilities', softmax(logits)],
    ...blockAttention.map((attention, b) => [explained.block(b), attention] as const),
  ]);
  attentions.forEach((attention, i) => {
    const slope = slopes[i];
    if (slope === undefined) throw new Error('the logits do not depend on an attention');
    const relevance = reduceMean(relu(mul(attention, slope)), [-3]);
    const scale = scales[i];
    if (scale === undefined) {
      outputs.set(explained.classTokenRelevance, relevance);
      return;
    }
    const side = itemAt(sizes, scale - 1);
    const window = config.attention[scale - 1]?.window ?? side;
    const windows = (side / window) ** 2; // Each window's rows sum to 1.
    outputs.set(explained.scale(scale), onMap(div(reduceMean(attention, [-2]), windows), side, window));
    outputs.set(explained.share(scale), shareOf(tapped(`scaled${scale}`), tapped(`window${scale}`)));
    const n = dimOf(relevance, 0);
    const received = reduceSum(relevance, [-2], true); // one "head"
    outputs.set(explained.scaleRelevance(scale), reshape(onMap(received, side, window), [n, side, side]));
  });
  const sides = scales.map((scale) => itemAt(sizes, scale - 1));
  const direction = config.landmark === 'none' ? 'image-to-image' : 'landmarks-to-image';
  return { ...inferenceOf(outputs, scope), scales, sides, direction, classToken: { blocks, grid: sizes[2] } };
}

/** [N, heads, w w], with several windows [N, windows, heads, w w] -> [N, heads, S, S]. */
function onMap(x: Tensor, side: number, window: number): Tensor {
  const n = dimOf(x, 0);
  const heads = dimOf(x, -2);
  if (side === window) return reshape(x, [n, heads, side, side]);
  const count = side / window;
  const grid = reshape(x, [n, count, count, heads, window, window]);
  return reshape(transpose(grid, [0, 3, 1, 4, 2, 5]), [n, heads, side, side]);
}
