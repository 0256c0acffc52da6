import { gradients } from '../../autodiff/index.js';
import { itemAt } from '../../common/item-at.js';
import { type Dim, graph, input, parametersOf, type Tensor } from '../../graph/index.js';
import { div, mul, reduceMean, reduceSum, relu, reshape, softmax, sqrt, transpose } from '../../ops/index.js';
import { buildForward, type Inference } from '../registry.js';
import { mapSizes, type PosterV2Config, type ScaleNumber } from './poster-v2-config.js';

/** Names of the inputs and outputs of {@link buildExplanation}. */
export const explained = {
  /** Input [N, K]: the logits, weighted so and summed, are what relevance is relevance for. */
  classWeights: 'class_weights',
  scale: (scale: ScaleNumber): string => `scale/${scale}`,
  share: (scale: ScaleNumber): string => `share/${scale}`,
  scaleRelevance: (scale: ScaleNumber): string => `relevance/scale/${scale}`,
  block: (block: number): string => `block/${block}`,
  classTokenRelevance: 'relevance/class-token',
} as const;

/**
 * The forward pass with what it attends to. S is the side of a scale's map, T the tokens of all scales and the class
 * token before them, Q = T but 1, the class token's row, in the last block. Outputs beside `logits` and `probabilities`:
 *
 * - `scale/s` [N, heads, S, S]: what each place of the image gets of the landmark queries' attention, on average over the
 *   queries; sums to 1 over a map.
 * - `share/s` [N]: the length of what that attention adds to the tokens, relative to the tokens' own.
 * - `block/b` [N, heads, Q, T]: attention of transformer block b; rows sum to 1.
 * - `relevance/scale/s` [N, S, S] and `relevance/class-token` [N, 1, T], of the last block: attention times its gradient of
 *   the weighted logits, where positive, on average over the heads (Chefer et al., "Generic Attention-model
 *   Explainability", ICCV 2021, arXiv 2103.15679, equation 5); at a scale summed over the queries.
 */
export interface ExplanationGraph extends Inference {
  readonly scales: readonly ScaleNumber[];
  /** Transformer blocks. */
  readonly blocks: number;
  /** Side of the grid of tokens that each scale ends in. */
  readonly grid: number;
  /** Side of the map at each of `scales`. */
  readonly sides: readonly number[];
}

export function buildExplanation(config: PosterV2Config): ExplanationGraph {
  const { logits, scope } = buildForward(config, 'inference');
  const tapped = (name: string): Tensor => {
    const value = scope.taps.get(name);
    if (value === undefined) throw new Error(`the network has no activation called ${name}`);
    return value;
  };
  const { scales } = config;
  const { blocks } = config.transformer;
  const sizes = mapSizes(config);
  const blockAttention = Array.from({ length: blocks }, (_, b) => tapped(`VIT.blocks.${b}.attn.probabilities`));
  const places = [
    ...scales.map((scale) => tapped(`attn${scale}.probabilities`)),
    tapped(`VIT.blocks.${blocks - 1}.attn.probabilities`),
  ];
  const score = reduceSum(mul(logits, input(explained.classWeights, 'float32', logits.shape)), [1, 0]);
  const slopes = gradients(score, places);
  const outputs = new Map<string, Tensor>([
    ['logits', logits],
    ['probabilities', softmax(logits)],
    ...blockAttention.map((attention, b) => [explained.block(b), attention] as const),
  ]);
  places.forEach((attention, i) => {
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
    outputs.set(explained.share(scale), div(norm(tapped(`scaled${scale}`)), norm(tapped(`window${scale}`))));
    const [n] = relevance.shape;
    const received = reduceSum(relevance, [-2], true); // one "head"
    outputs.set(
      explained.scaleRelevance(scale),
      reshape(onMap(received, side, window), [n, side, side] as readonly Dim[]),
    );
  });
  const program = graph(outputs);
  const used = parametersOf(program.outputs.values());
  const parameters = new Map([...scope.parameters].filter(([name]) => used.has(name)));
  const sides = scales.map((scale) => itemAt(sizes, scale - 1));
  return { graph: program, parameters, taps: scope.taps, scales, blocks, grid: sizes[2], sides };
}

/** [N, heads, w w], with several windows [N, windows, heads, w w] -> [N, heads, S, S]. */
function onMap(x: Tensor, side: number, window: number): Tensor {
  const [n] = x.shape as readonly [Dim];
  const heads = x.shape.at(-2) ?? 1;
  if (side === window) return reshape(x, [n, heads, side, side]);
  const count = side / window;
  const grid = reshape(x, [n, count, count, heads, window, window]);
  return reshape(transpose(grid, [0, 3, 1, 4, 2, 5]), [n, heads, side, side]);
}

/** Euclidean length over all but the first axis: [N, T, C] -> [N]. */
function norm(x: Tensor): Tensor {
  return sqrt(reduceSum(reduceSum(mul(x, x), [2]), [1]));
}

/** What the linear head sees of each picture. */
export interface EmbeddingGraph extends Inference {
  /** Length of a feature vector. */
  readonly features: number;
}

/** Outputs `features` [N, E], the input of the linear head, and `logits` [N, K]. */
export function buildEmbedding(config: PosterV2Config): EmbeddingGraph {
  const { logits, scope } = buildForward(config, 'inference');
  const features = scope.taps.get('VIT.features');
  if (features === undefined) throw new Error('the network has no activation called VIT.features');
  const program = graph({ features, logits });
  const used = parametersOf(program.outputs.values());
  const parameters = new Map([...scope.parameters].filter(([name]) => used.has(name)));
  return { graph: program, parameters, taps: scope.taps, features: config.transformer.embedding };
}
