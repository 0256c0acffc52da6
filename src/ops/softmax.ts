import { dimOf, type FloatDType, GraphError, sameShape, type Tensor, type Value } from '../graph/index.js';
import { exp, log, mul, neg, sub } from './elementwise.js';
import { applyOne, axisOf, type OperationTable, operand, output } from './operation.js';
import { reduceMax, reduceSum } from './reduce.js';
import { reshape } from './shape.js';

/** exp(x_i) / sum_j exp(x_j) over the last axis. */
export function softmax<D extends FloatDType>(x: Value<D>): Value<D> {
  return applyOne('Softmax', [x], x.shape, { axis: axisOf('Softmax', x, -1) });
}

/**
 * -sum_k t_k log softmax(z)_k for each row: logits [N, K], targets [N, K] (one-hot, or a label distribution) -> [N].
 */
export function softmaxCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  if (logits.shape.length !== 2 || !sameShape(logits.shape, targets.shape)) {
    throw new GraphError('SoftmaxCrossEntropy', [logits, targets], 'both must be [batch, classes]');
  }
  return applyOne('SoftmaxCrossEntropy', [logits, targets], logits.shape.slice(0, 1));
}

export const softmaxes = {
  // dx = y (dy - sum dy y)
  Softmax: {
    gradient: ({ node, gradients: [dy] }) => {
      if (!dy) return [];
      const y = output(node, 0);
      const weighted = mul(dy, y);
      return [sub(weighted, mul(y, reduceSum(weighted, [-1], true)))];
    },
    onnx: {},
  },
  // dz = (softmax(z) sum_k t_k - t) dL
  SoftmaxCrossEntropy: {
    gradient: ({ node, gradients: [dl], wants }) => {
      if (!dl) return [];
      const [logits, targets] = [operand(node, 0), operand(node, 1)];
      const outer = reshape(dl, [dimOf(logits, 0), 1]);
      return [
        wants[0] ? mul(outer, sub(mul(softmax(logits), reduceSum(targets, [-1], true)), targets)) : undefined,
        wants[1] ? mul(outer, neg(logSoftmax(logits))) : undefined,
      ];
    },
    onnx: 'ours',
    lower: (node) => [neg(reduceSum(mul(operand(node, 1), logSoftmax(operand(node, 0))), [-1]))],
  },
} satisfies OperationTable;

// From pieces: ONNX's LogSoftmax does not run on every device.
function logSoftmax(x: Tensor): Tensor {
  const shifted = sub(x, reduceMax(x, [-1], true));
  return sub(shifted, log(reduceSum(exp(shifted), [-1], true)));
}
