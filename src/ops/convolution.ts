import { type Attributes, type Dim, GraphError, int, ints, type Node, type Tensor } from '../graph/index.js';
import { channelSum } from './channels.js';
import { lowerConvInputGradient, lowerConvWeightGradient } from './convolution-gradient.js';
import type { OperationName } from './names.js';
import { apply, applyOne, attributeNumber, type OperationTable, operand, output } from './operation.js';

export interface ConvOptions {
  /** The same on both axes. */
  readonly stride?: number;
  /** Zeros on every side. */
  readonly padding?: number;
  readonly groups?: number;
}

/**
 * Cross-correlation, as torch.nn.functional.conv2d: x [N, I, H, W], weight [O, I / groups, k, k], bias [O]
 * -> [N, O, (H + 2 padding - k) / stride + 1 rounded down, likewise for W].
 */
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  const { stride = 1, padding = 0, groups = 1 } = options;
  const [n, channels, height, width] = x.shape;
  const [out, perGroup, kh, kw] = weight.shape;
  const fits =
    x.shape.length === 4 &&
    weight.shape.length === 4 &&
    typeof height === 'number' &&
    typeof width === 'number' &&
    typeof kh === 'number' &&
    typeof kw === 'number' &&
    kh === kw &&
    typeof out === 'number' &&
    out % groups === 0 &&
    channels === (perGroup as number) * groups &&
    (bias === undefined || (bias.shape.length === 1 && bias.shape[0] === out));
  if (!fits) {
    const rule = `x must be [N, ${(perGroup as number) * groups}, H, W] for this weight with ${groups} group(s), the weight [out, in / groups, k, k] and the bias [out]`;
    throw new GraphError('Conv', [x, weight, bias], rule);
  }
  if (![stride, padding, groups].every(Number.isInteger) || stride < 1 || padding < 0 || groups < 1) {
    throw new GraphError(
      'Conv',
      [x, weight],
      `stride ${stride}, padding ${padding}, groups ${groups} are not possible`,
    );
  }
  const size = (dim: number, k: number): number => Math.floor((dim + 2 * padding - k) / stride) + 1;
  const shape = [n as Dim, out as Dim, size(height, kh), size(width, kw)];
  if ((shape[2] as number) < 1 || (shape[3] as number) < 1) {
    throw new GraphError('Conv', [x, weight], 'the kernel is larger than the padded map');
  }
  return applyOne('Conv', bias ? [x, weight, bias] : [x, weight], shape, {
    strides: ints([stride, stride]),
    pads: ints([padding, padding, padding, padding]),
    kernel_shape: ints([kh, kw]),
    group: int(groups),
  });
}

function derived(op: OperationName, inputs: readonly Tensor[], attributes: Attributes, shape: Tensor['shape']): Tensor {
  return output(apply(op, inputs, attributes, [{ dtype: 'float32', shape }]), 0);
}

export const convolutions = {
  // y is linear in x and in the weight: dL/dx is dy correlated back with the weight, dL/dw is x correlated with dy.
  Conv: {
    gradient: ({ node, gradients: [dy], wants }) => {
      if (!dy) return [];
      const [x, weight] = [operand(node, 0), operand(node, 1)];
      const groups = attributeNumber(node.attributes, 'group');
      if (wants[1] && groups > 1 && (weight.shape[1] !== 1 || weight.shape[0] !== groups)) {
        throw new GraphError(
          'Conv',
          [x, weight],
          'with groups, the weight is differentiated only for one channel a group',
        );
      }
      return [
        wants[0] ? derived('ConvInputGradient', [dy, weight], node.attributes, x.shape) : undefined,
        wants[1] ? derived('ConvWeightGradient', [x, dy], node.attributes, weight.shape) : undefined,
        wants[2] ? derived('ConvBiasGradient', [dy], {}, [dy.shape[1] as Dim]) : undefined,
      ];
    },
  },
  ConvInputGradient: {
    gradient: { none: 'second derivatives are not needed here' },
    lower: (node, target) => [lowerConvInputGradient(node, target)],
  },
  ConvWeightGradient: {
    gradient: { none: 'second derivatives are not needed here' },
    lower: (node: Node, target) => [lowerConvWeightGradient(node, target)],
  },
  ConvBiasGradient: {
    gradient: { none: 'second derivatives are not needed here' },
    lower: (node: Node) => [channelSum(operand(node, 0))],
  },
  ConvTranspose: { gradient: { none: 'only used to compute the gradient of a strided convolution' } },
} satisfies OperationTable;
