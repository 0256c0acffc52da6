import { itemAt } from '../common/item-at.js';
import { broadcast, dimOf, type FloatDType, GraphError, sameShape, type Value } from '../graph/index.js';
import type { NumberDType } from './elementwise.js';
import { applyOne, floatOperand, type OperationTable, operand } from './operation.js';
import { reduceSum } from './reduce.js';
import { reshape, rowsOf, transposeLast } from './shape.js';

/** Matrix product over the last two axes, broadcast over the others: [..., M, K] x [..., K, L] -> [..., M, L]. */
export function matmul<D extends NumberDType>(a: Value<D>, b: Value<D>): Value<D> {
  const [m, k] = a.shape.slice(-2);
  const [k2, l] = b.shape.slice(-2);
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (m === undefined || l === undefined || k === undefined || k2 === undefined || k !== k2 || batch === undefined) {
    throw new GraphError('MatMul', [a, b], 'the inner dimensions or the batch axes do not fit');
  }
  return applyOne('MatMul', [a, b], [...batch, m, l]);
}

/**
 * y = x W^T + b over the last axis, as torch.nn.Linear: x [..., I], weight [O, I], bias [O] -> [..., O].
 */
export function linear<D extends FloatDType>(x: Value<D>, weight: Value<D>, bias?: Value<D>): Value<D> {
  const [out, features] = weight.shape;
  const fits = out !== undefined && weight.shape.length === 2 && x.shape.at(-1) === features;
  if (!fits || (bias && !sameShape(bias.shape, [out]))) {
    throw new GraphError('Linear', [x, weight, bias], 'the weight must be [out, in], x [..., in] and the bias [out]');
  }
  return applyOne('Linear', bias ? [x, weight, bias] : [x, weight], [...x.shape.slice(0, -1), out]);
}

/** All axes but the last made one. */
function rows<D extends FloatDType>(x: Value<D>): Value<D> {
  return reshape(x, [rowsOf(x, 0, -1), dimOf(x, -1)]);
}

export const linearAlgebra = {
  // d(A B) = dA B + A dB: dL/dA = dY B^T, dL/dB = A^T dY
  MatMul: {
    gradient: ({ node, gradients: [dy], wants }) => {
      if (!dy) return [];
      const [a, b] = [operand(node, 0), operand(node, 1)];
      return [wants[0] ? matmul(dy, transposeLast(b)) : undefined, wants[1] ? matmul(transposeLast(a), dy) : undefined];
    },
    onnx: {},
  },
  // dL/dx = dY W, dL/dW = dY^T x, dL/db = the sum of dY over all rows
  Linear: {
    gradient: ({ node, gradients: [dy], wants }) => {
      if (!dy) return [];
      const [x, weight] = [operand(node, 0), operand(node, 1)];
      return [
        wants[0] ? reshape(matmul(rows(dy), weight), x.shape) : undefined,
        wants[1] ? matmul(transposeLast(rows(dy)), rows(x)) : undefined,
        wants[2] ? reduceSum(rows(dy), [0]) : undefined,
      ];
    },
    onnx: 'ours',
    // As one Gemm over all rows: the bias is added and the weight read transposed inside the kernel.
    lower: (node) => {
      const flat = rows(floatOperand(node, 0));
      const y = itemAt(node.outputs, 0);
      const shape = [dimOf(flat, 0), dimOf(y, -1)];
      return [reshape(applyOne('Gemm', [flat, ...node.inputs.slice(1)], shape, { transB: 1 }), y.shape)];
    },
  },
  Gemm: { gradient: { none: 'Linear is differentiated; it becomes Gemm afterwards' }, onnx: {} },
} satisfies OperationTable;
