import { type Attributes, type Dim, GraphError, int, ints, type Node, type Tensor } from '../graph/index.js';
import { channelBlock, lowerBlocked } from './blocked-convolution.js';
import { channelSum } from './channels.js';
import { lowerConvInputGradient, lowerConvWeightGradient } from './convolution-gradient.js';
import type { OperationName } from './names.js';
import { apply, applyOne, attributeInts, attributeNumber, type OperationTable, operand, output } from './operation.js';

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
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  const { stride = 1, padding = 0, groups = 1, fixed = false } = options;
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
  const shape = [n as Dim, out as Dim, size(height + top + bottom, kh), size(width + left + right, kw)];
  if ((shape[2] as number) < 1 || (shape[3] as number) < 1) {
    throw new GraphError('Conv', [x, weight], 'the kernel is larger than the padded map');
  }
  return applyOne('Conv', bias ? [x, weight, bias] : [x, weight], shape, {
    strides: ints([stride, stride]),
    pads: ints(pads),
    kernel_shape: ints([kh, kw]),
    group: int(groups),
    ...(fixed ? { fixed: int(1) } : {}),
  });
}

/** In ONNX's order: the starts of both axes, then their ends. */
export function padsOf(padding: number | Padding): readonly [number, number, number, number] {
  if (typeof padding === 'number') return [padding, padding, padding, padding];
  return [padding.top, padding.left, padding.bottom, padding.right];
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
      const pads = attributeInts(node.attributes, 'pads');
      if (pads.some((n) => n !== pads[0])) {
        throw new GraphError('Conv', [x, weight], 'to be differentiated, it must have the same padding on every side');
      }
      return [
        wants[0] ? derived('ConvInputGradient', [dy, weight], node.attributes, x.shape) : undefined,
        wants[1] ? derived('ConvWeightGradient', [x, dy], node.attributes, weight.shape) : undefined,
        wants[2] ? derived('ConvBiasGradient', [dy], {}, [dy.shape[1] as Dim]) : undefined,
      ];
    },
    lower: (node, target) => {
      const block = channelBlock(target);
      return block === undefined ? undefined : lowerBlocked(node, block);
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
  NchwcConv: { gradient: { none: 'a form of Conv, made after differentiation' } },
  NchwcReorderInput: { gradient: { none: 'part of a form of Conv, made after differentiation' } },
  NchwcReorderOutput: { gradient: { none: 'part of a form of Conv, made after differentiation' } },
} satisfies OperationTable;
