import { broadcast, type Dim, GraphError, int, product, sameShape, type Tensor } from '../graph/index.js';
import { applyOne, type OperationTable, operand } from './operation.js';
import { reduceSum } from './reduce.js';
import { reshape, transposeLast } from './shape.js';

/** Matrix product over the last two axes, broadcast over the others: [..., M, K] x [..., K, L] -> [..., M, L]. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const [m, k] = a.shape.slice(-2);
  const [k2, l] = b.shape.slice(-2);
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (a.shape.length < 2 || b.shape.length < 2 || k !== k2 || batch === undefined) {
    throw new GraphError('MatMul', [a, b], 'the inner dimensions or the batch axes do not fit');
  }
  return applyOne('MatMul', [a, b], [...batch, m as Dim, l as Dim]);
}

/**
 * y = x W^T + b over the last axis, as torch.nn.Linear: x [..., I], weight [O, I], bias [O] -> [..., O].
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const [out, features] = weight.shape;
  if (weight.shape.length !== 2 || x.shape.at(-1) !== features || (bias && !sameShape(bias.shape, [out as Dim]))) {
    throw new GraphError('Linear', [x, weight, bias], 'the weight must be [out, in], x [..., in] and the bias [out]');
  }
  return applyOne('Linear', bias ? [x, weight, bias] : [x, weight], [...x.shape.slice(0, -1), out as Dim]);
}

/** All axes but the last made one. */
function rows(x: Tensor): Tensor {
  const count = product(x.shape.slice(0, -1));
  if (count === undefined) throw new GraphError('Linear', [x], 'the batch size occurs twice in the shape');
  return reshape(x, [count, x.shape.at(-1) as Dim]);
}

export const linearAlgebra = {
  // d(A B) = dA B + A dB: dL/dA = dY B^T, dL/dB = A^T dY
  MatMul: {
    gradient: ({ node, gradients: [dy], wants }) => {
      if (!dy) return [];
      const [a, b] = [operand(node, 0), operand(node, 1)];
      return [wants[0] ? matmul(dy, transposeLast(b)) : undefined, wants[1] ? matmul(transposeLast(a), dy) : undefined];
    },
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
    // As one Gemm over all rows: the bias is added and the weight read transposed inside the kernel.
    lower: (node) => {
      const [x, ...rest] = node.inputs as Tensor[];
      const flat = rows(x as Tensor);
      const y = node.outputs[0] as Tensor;
      const shape = [flat.shape[0] as Dim, y.shape.at(-1) as Dim];
      return [reshape(applyOne('Gemm', [flat, ...rest], shape, { transB: int(1) }), y.shape)];
    },
  },
  Gemm: { gradient: { none: 'Linear is differentiated; it becomes Gemm afterwards' } },
} satisfies OperationTable;
