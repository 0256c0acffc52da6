import type { Graph, Tensor } from '../graph/index.js';
import type { ParameterSpec, Scope } from '../nn/index.js';

/** A forward pass as a graph. */
export interface Forward {
  /** The input `pixel_values`, float32 [N, C, S, S]. */
  readonly images: Tensor;
  /** [N, classes] */
  readonly logits: Tensor;
  /** Parameters, running statistics and their updates, masks to feed, taps. */
  readonly scope: Scope;
}

/** A graph to run a network with. */
export interface Inference {
  /** Input `pixel_values` [N, C, S, S], outputs `logits` and `probabilities` [N, classes]; not lowered yet. */
  readonly graph: Graph;
  /** Exactly those that the outputs depend on. */
  readonly parameters: ReadonlyMap<string, ParameterSpec>;
  readonly taps: ReadonlyMap<string, Tensor>;
}

/** One of the scales of a pyramid, 1 being the finest. */
export type ScaleNumber = 1 | 2 | 3;

/** Names of the inputs and outputs of an {@link ExplanationGraph}. */
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
 * Whose tokens are the queries of the scales' attention, and whose places it falls on: landmark queries look at the image,
 * the image looks at itself, or the image looks at the places of the landmark stream.
 */
export type AttentionDirection = 'landmarks-to-image' | 'image-to-image' | 'image-to-landmarks';

/**
 * The forward pass with what it attends to. S is the side of a scale's map. Outputs beside `logits` and `probabilities`:
 *
 * - `scale/s` [N, heads, S, S]: what each place gets of the queries' attention, on average over the queries; sums to 1 over
 *   a map.
 * - `share/s` [N]: the length of what that attention adds to the tokens, relative to the tokens' own.
 * - `relevance/scale/s` [N, S, S]: attention times its gradient of the weighted logits, where positive, on average over the
 *   heads (Chefer et al., "Generic Attention-model Explainability", ICCV 2021, arXiv 2103.15679, equation 5), summed over
 *   the queries.
 *
 * With a class token also those of {@link ClassTokenGraph}.
 */
export interface ExplanationGraph extends Inference {
  readonly scales: readonly ScaleNumber[];
  /** Side of the map at each of `scales`. */
  readonly sides: readonly number[];
  readonly direction: AttentionDirection;
  /** Undefined for a network whose decision is not made from a class token. */
  readonly classToken: ClassTokenGraph | undefined;
}

/**
 * Outputs of a transformer over the tokens of all scales. T counts them and the class token before them; Q = T but 1, the
 * class token's row, in the last block.
 *
 * - `block/b` [N, heads, Q, T]: attention of transformer block b; rows sum to 1.
 * - `relevance/class-token` [N, 1, T]: of the last block, as that of the scales.
 */
export interface ClassTokenGraph {
  /** Transformer blocks. */
  readonly blocks: number;
  /** Side of the grid of tokens that each scale ends in. */
  readonly grid: number;
}

/** What the linear head sees of each picture. */
export interface EmbeddingGraph extends Inference {
  /** Length of a feature vector. */
  readonly features: number;
}
