import { itemAt } from '../common/item-at.js';
import { type FloatDType, fixedDim, GraphError, type Tensor, type Value } from '../graph/index.js';
import { applyOne, attributesOf, floatOperand, type OperationTable, operand } from './operation.js';
import { reduceSum } from './reduce.js';
import { gather, pad, reshape, slice, transpose } from './shape.js';

/**
 * Swin's relative position bias for a window of size S: table [(2S - 1)^2, heads] -> [heads, S^2, S^2], where element
 * (h, i, j) is the table's row for the offset from token j to token i.
 */
export function relativePositionBias<D extends FloatDType>(table: Value<D>, size: number): Value<D> {
  if (table.shape.length !== 2 || table.shape[0] !== (2 * size - 1) ** 2) {
    throw new GraphError(
      'RelativePositionBias',
      [table],
      `a window of ${size} needs a table of ${(2 * size - 1) ** 2} rows`,
    );
  }
  const tokens = size * size;
  return applyOne('RelativePositionBias', [table], [fixedDim(table, 1), tokens, tokens], { size });
}

/** For every pair of tokens the row of the table, as in Swin: (dy + S - 1)(2S - 1) + dx + S - 1. */
export function relativePositionIndex(size: number): Int32Array {
  const tokens = size * size;
  return Int32Array.from({ length: tokens * tokens }, (_, pair) => {
    const [i, j] = [Math.floor(pair / tokens), pair % tokens];
    const rows = Math.floor(i / size) - Math.floor(j / size) + size - 1;
    return rows * (2 * size - 1) + (i % size) - (j % size) + size - 1;
  });
}

/**
 * Sums x [B, S, S, C] over pairs (i, j) of equal j - i: [B, 2S - 1, C]. Rows padded to 2S and read again as rows of
 * 2S + 1 are each shifted by one more place, so that the diagonals become columns.
 */
function sumDiagonals(x: Tensor): Tensor {
  const [b, s, c] = [fixedDim(x, 0), fixedDim(x, 1), fixedDim(x, 3)];
  const wide = reshape(pad(x, [0, 0, 0, 0], [0, 0, s, 0]), [b, 2 * s * s, c]);
  const skewed = reshape(pad(wide, [0, s - 1, 0], [0, 1, 0]), [b, s, 2 * s + 1, c]);
  return slice(reduceSum(skewed, [1]), 1, 0, 2 * s - 1);
}

export const positionBiases = {
  // Every entry of the table receives the sum over the pairs that read it: diagonals of rows, then of columns.
  RelativePositionBias: {
    gradient: ({ node, gradients: [dy] }) => {
      if (!dy) return [];
      const { size } = attributesOf('RelativePositionBias', node);
      const heads = fixedDim(operand(node, 0), 1);
      const span = 2 * size - 1;
      // [h, yi, xi, yj, xj] -> [h, yi, yj, xi xj] -> [h, dy, xi, xj] -> [h dy, dx]
      const grid = transpose(reshape(dy, [heads, size, size, size, size]), [0, 1, 3, 2, 4]);
      const byRow = sumDiagonals(reshape(grid, [heads, size, size, size * size]));
      const byOffset = sumDiagonals(reshape(byRow, [heads * span, size, size, 1]));
      // The sums run over j - i and the table over i - j: the other way round.
      const reversed = Int32Array.from({ length: span * span }, (_, i) => span * span - 1 - i);
      return [transpose(gather(reshape(byOffset, [heads, span * span]), reversed, [span * span], 1), [1, 0])];
    },
    onnx: 'ours',
    lower: (node) => {
      const { size } = attributesOf('RelativePositionBias', node);
      const rows = gather(floatOperand(node, 0), relativePositionIndex(size), [size ** 4], 0);
      return [reshape(transpose(rows, [1, 0]), itemAt(node.outputs, 0).shape)];
    },
  },
} satisfies OperationTable;
