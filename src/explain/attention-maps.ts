import { increase, itemAt } from '../common/item-at.js';
import { type ClassTokenGraph, explained, type ScaleNumber } from '../models/index.js';

/** A square map over the picture, row by row from its top left corner. */
export interface AttentionMap {
  /** Side in cells; the cells cover the network's whole input evenly. */
  readonly side: number;
  /** [side side], none negative. */
  readonly values: Float32Array;
}

/** What one scale's cross-attention looks at. */
export interface ScaleAttention {
  /** 1 is the finest. */
  readonly scale: ScaleNumber;
  /** Attention that each place receives, on average over queries and heads; sums to 1. */
  readonly attention: AttentionMap;
  /** The same for each head: [heads, side side]; each sums to 1. */
  readonly heads: Float32Array;
  /** Attention times its gradient of the class's logit, where positive (not normalised). */
  readonly relevance: AttentionMap;
  /** How much the attention changes this scale's tokens: the added vectors' length over the tokens' own. */
  readonly share: number;
}

/** What the class token of the transformer takes from the tokens of all scales. */
export interface ClassTokenAttention {
  /** In the last block, on average over heads. */
  readonly attention: TokenWeights;
  /** The same for each head: [heads, 1 + tokens], the class token first; rows sum to 1. */
  readonly heads: Float32Array;
  /** Through all blocks: attention rollout (Abnar and Zuidema, 2020), each block half itself, half its attention. */
  readonly rollout: TokenWeights;
  /** In the last block, attention times its gradient of the logit of `Explanation.target`, where positive (not normalised). */
  readonly relevance: TokenWeights;
}

export interface TokenWeights {
  /** What the class token takes from itself. */
  readonly itself: number;
  /** The tokens of each scale on their grid, in the order of `scales`. With `itself` they sum to 1, but for relevance. */
  readonly scales: readonly AttentionMap[];
  /** Their sum over the scales: where in the picture, whatever the scale. */
  readonly all: AttentionMap;
}

/** Float32 outputs of an explanation graph for one picture, by name. */
export type Outputs = (name: string) => Float32Array;

export function scaleAttention(outputs: Outputs, scale: ScaleNumber, side: number): ScaleAttention {
  const heads = outputs(explained.scale(scale));
  return {
    scale,
    attention: { side, values: meanOfRows(heads, side * side) },
    heads,
    relevance: { side, values: outputs(explained.scaleRelevance(scale)) },
    share: itemAt(outputs(explained.share(scale)), 0),
  };
}

/** @param scales how many scales' tokens follow the class token */
export function classTokenAttention(
  outputs: Outputs,
  { blocks, grid }: ClassTokenGraph,
  scales: number,
): ClassTokenAttention {
  const tokens = 1 + scales * grid * grid;
  const last = outputs(explained.block(blocks - 1));
  const attention = meanOfRows(last, tokens);
  const earlier = Array.from({ length: blocks - 1 }, (_, b) => blocks - 2 - b);
  const meanHeads = (b: number): Float32Array => meanOfRows(outputs(explained.block(b)), tokens * tokens);

  // The class token's row of the product of (I + A_b) / 2, last block first.
  let rollout = halfAndHalf(Float64Array.of(1, ...new Float64Array(tokens - 1)), attention);
  for (const b of earlier) rollout = throughBlock(rollout, meanHeads(b));
  const relevance = outputs(explained.classTokenRelevance);

  const onGrids = (row: Float32Array | Float64Array): TokenWeights => tokenWeights(row, grid, scales);
  return { attention: onGrids(attention), heads: last, rollout: onGrids(rollout), relevance: onGrids(relevance) };
}

/** Mean of the rows of a matrix with `width` columns. */
function meanOfRows(matrix: Float32Array, width: number): Float32Array {
  const rows = matrix.length / width;
  const mean = new Float64Array(width);
  matrix.forEach((value, i) => {
    increase(mean, i % width, value / rows);
  });
  return Float32Array.from(mean);
}

/** A row [T] through (I + A) / 2, A being a block's attention [T, T]. */
function throughBlock(row: Float64Array, matrix: Float32Array): Float64Array {
  const attended = new Float64Array(row.length);
  row.forEach((weight, i) => {
    for (let j = 0; j < row.length; j++) {
      increase(attended, j, weight * itemAt(matrix, i * row.length + j));
    }
  });
  return halfAndHalf(row, attended);
}

function halfAndHalf(a: Float64Array, b: Float32Array | Float64Array): Float64Array {
  return a.map((value, i) => (value + itemAt(b, i)) / 2);
}

function tokenWeights(row: Float32Array | Float64Array, side: number, scales: number): TokenWeights {
  const cells = side * side;
  const maps = Array.from({ length: scales }, (_, s) => ({
    side,
    values: Float32Array.from(row.subarray(1 + s * cells, 1 + (s + 1) * cells)),
  }));
  const sum = new Float32Array(cells);
  for (const { values } of maps) {
    for (let i = 0; i < cells; i++) increase(sum, i, itemAt(values, i));
  }
  return { itself: itemAt(row, 0), scales: maps, all: { side, values: sum } };
}
