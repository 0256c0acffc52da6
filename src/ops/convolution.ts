import { dimOf, type FloatDType, GraphError, mapDims, type Node, type Value } from '../graph/index.js';
import { lowerBlocked } from './blocked-convolution.js';
import { channelSum } from './channels.js';
import { lowerConvInputGradient, lowerConvWeightGradient } from './convolution-gradient.js';
import { applyOne, attributesOf, type OperationTable, operand } from './operation.js';
import { winogradConvolution, winogradPlan } from './winograd.js';

/** Zeros around a map. */
export interface Padding {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

export interface ConvOptions {
  /** The same on both axes. */
  readonly stride?: number;
  /** Zeros on every side, or by side. What has different sides is not differentiated: use `pad` there. */
  readonly padding?: number | Padding;
  readonly groups?: number;
  /** The weight stays the same while the graph is used: kernels may prepare it once. */
  readonly fixed?: boolean;
}

/**
 * Cross-correlation, as torch.nn.functional.conv2d: x [N, I, H, W], weight [O, I / groups, k, k], bias [O]
 * -> [N, O, (H + top + bottom - k) / stride + 1 rounded down, likewise for W].
 */
export function conv2d<D extends FloatDType>(
  x: Value<D>,
  weight: Value<D>,
  bias?: Value<D>,
  options: ConvOptions = {},
): Value<D> {
  const { stride = 1, padding = 0, groups = 1, fixed = false } = options;
  const [out, perGroup, kernel, across] = weight.shape;
  const fits =
    weight.shape.length === 4 &&
    x.shape.length === 4 &&
    typeof out === 'number' &&
    typeof perGroup === 'number' &&
    typeof kernel === 'number' &&
    kernel === across &&
    out % groups === 0 &&
    x.shape[1] === perGroup * groups &&
    (bias === undefined || (bias.shape.length === 1 && bias.shape[0] === out));
  if (!fits) {
    const rule = `x must be [N, in, H, W], the weight [out, in / ${groups}, k, k] for ${groups} group(s), and the bias [out]`;
    throw new GraphError('Conv', [x, weight, bias], rule);
  }
  const [n, , height, width] = mapDims(x, 'Conv');
  const pads = padsOf(padding);
  const [top, left, bottom, right] = pads;
  if (![stride, groups, ...pads].every(Number.isInteger) || stride < 1 || Math.min(...pads) < 0 || groups < 1) {
    throw new GraphError(
      'Conv',
      [x, weight],
      `stride ${stride}, padding ${typeof padding === 'number' ? padding : pads.join(', ')}, groups ${groups} are not possible`,
    );
  }
  const size = (dim: number, k: number): number => Math.floor((dim - k) / stride) + 1;
  const [rows, columns] = [size(height + top + bottom, kernel), size(width + left + right, kernel)];
  if (rows < 1 || columns < 1) {
    throw new GraphError('Conv', [x, weight], 'the kernel is larger than the padded map');
  }
  return applyOne('Conv', bias ? [x, weight, bias] : [x, weight], [n, out, rows, columns], {
    strides: [stride, stride],
    pads,
    kernel_shape: [kernel, kernel],
    group: groups,
    fixed: fixed ? 1 : undefined,
  });
}

/** In ONNX's order: the starts of both axes, then their ends. */
export function padsOf(padding: number | Padding): readonly [number, number, number, number] {
  if (typeof padding === 'number') return [padding, padding, padding, padding];
  return [padding.top, padding.left, padding.bottom, padding.right];
}

const blockedForm = (opType: string) => ({ foreign: { domain: 'com.microsoft.nchwc', opType } }) as const;

export const convolutions = {
  // y is linear in x and in the weight: dL/dx is dy correlated back with the weight, dL/dw is x correlated with dy.
  Conv: {
    gradient: ({ node, gradients: [dy], wants }) => {
      if (!dy) return [];
      const [x, weight] = [operand(node, 0), operand(node, 1)];
      const attributes = attributesOf('Conv', node);
      const { group, pads } = attributes;
      if (wants[1] && group > 1 && (weight.shape[1] !== 1 || weight.shape[0] !== group)) {
        throw new GraphError(
          'Conv',
          [x, weight],
          'with groups, the weight is differentiated only for one channel a group',
        );
      }
      if (pads.some((n) => n !== pads[0])) {
        throw new GraphError('Conv', [x, weight], 'to be differentiated, it must have the same padding on every side');
      }
      return [
        wants[0] ? applyOne('ConvInputGradient', [dy, weight], x.shape, attributes) : undefined,
        wants[1] ? applyOne('ConvWeightGradient', [x, dy], weight.shape, attributes) : undefined,
        wants[2] ? applyOne('ConvBiasGradient', [dy], [dimOf(dy, 1)]) : undefined,
      ];
    },
    onnx: { unwritten: ['fixed'] },
    lower: (node, { channelBlock }) => {
      if (channelBlock === undefined || node.inputs[0]?.dtype !== 'float32') return undefined;
      const [x, weight] = [operand(node, 0), operand(node, 1)];
      const plan = node.inputs.length > 2 ? undefined : winogradPlan(x, weight, attributesOf('Conv', node));
      return plan ? [winogradConvolution(x, weight, plan)] : lowerBlocked(node, channelBlock);
    },
  },
  ConvInputGradient: {
    gradient: { none: 'second derivatives are not needed here' },
    onnx: 'ours',
    lower: (node, target) => [lowerConvInputGradient(node, target)],
  },
  ConvWeightGradient: {
    gradient: { none: 'second derivatives are not needed here' },
    onnx: 'ours',
    lower: (node: Node, target) => [lowerConvWeightGradient(node, target)],
  },
  ConvBiasGradient: {
    gradient: { none: 'second derivatives are not needed here' },
    onnx: 'ours',
    lower: (node: Node) => [channelSum(operand(node, 0))],
  },
  ConvTranspose: { gradient: { none: 'only used to compute the gradient of a strided convolution' }, onnx: {} },
  NchwcConv: { gradient: { none: 'a form of Conv, made after differentiation' }, onnx: blockedForm('Conv') },
  NchwcReorderInput: { gradient: { none: 'a part of NchwcConv' }, onnx: blockedForm('ReorderInput') },
  NchwcReorderOutput: { gradient: { none: 'a part of NchwcConv' }, onnx: blockedForm('ReorderOutput') },
} satisfies OperationTable;
