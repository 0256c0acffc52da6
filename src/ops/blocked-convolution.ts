import { itemAt } from '../common/item-at.js';
import { fixedDim, type Node, type Tensor } from '../graph/index.js';
import { applyOne, attributesOf, operand, output } from './operation.js';
import { gather, reshape, transpose } from './shape.js';

// ONNX Runtime computes convolutions whose weights it knows in a layout of its own, NCHWc: channels in blocks of as many
// as a vector register holds, [N, C / c, H, W, c], with weights [O / c, I / c, k, k, c in, c out]. Weights that change are
// inputs to it, which it leaves as they are and multiplies a third slower. Here such convolutions are put into that
// layout by the graph itself. In the graph a blocked tensor keeps the shape [N, C, H, W]; only its elements are elsewhere.

/**
 * Whether a convolution has a form over blocks: its channels fill whole blocks, and it has one group or, being depthwise,
 * one for each channel.
 * @param weight [O, I / groups, k, k]
 */
export function fillsBlocks(block: number, groups: number, weight: Tensor): boolean {
  const [out, perGroup] = [fixedDim(weight, 0), fixedDim(weight, 1)];
  if (groups === 1) return perGroup % block === 0 && out % block === 0;
  return isDepthwise(groups, weight) && out % block === 0;
}

const isDepthwise = (groups: number, weight: Tensor): boolean => groups === weight.shape[0] && weight.shape[1] === 1;

/** x [N, C, H, W] with its channels in blocks. */
export function toBlocks(x: Tensor): Tensor {
  return applyOne('NchwcReorderInput', [x], x.shape);
}

/**
 * A convolution over blocks.
 * @param x of {@link toBlocks}
 * @param weight blocked, [O, I, height, width]
 * @returns in the usual layout
 */
export function blockedConvolution(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  shape: Tensor['shape'],
  options: { readonly stride: number; readonly pads: readonly number[]; readonly groups: number },
): Tensor {
  const y = applyOne('NchwcConv', bias ? [x, weight, bias] : [x, weight], shape, {
    strides: [options.stride, options.stride],
    pads: options.pads,
    kernel_shape: [fixedDim(weight, 2), fixedDim(weight, 3)],
    group: options.groups,
  });
  return applyOne('NchwcReorderOutput', [y], shape, { channels: fixedDim(y, 1) });
}

/**
 * [O, I, k, k] -> [O / c, I / c, k, k, c in, c out], under the same shape. In steps that ONNX Runtime has fast kernels
 * for: a transpose of two axes, gathering whole rows, and moving runs of c elements. (One transpose takes four times as
 * long, and two in a row are joined into one by its optimizer.)
 */
function blockedWeight(weight: Tensor, groups: number, block: number): Tensor {
  const [out, channels, k] = [fixedDim(weight, 0), fixedDim(weight, 1), fixedDim(weight, 2)];
  if (groups > 1) return depthwiseKernel(weight, rowsOfKernel(k), block);
  const size = k * k;
  const rows = transpose(reshape(weight, [out, channels * size]), [1, 0]);
  const parts = reshape(gatherRows(rows, blockOrder(channels, size, block)), [channels * size, out / block, block]);
  return reshape(transpose(parts, [1, 0, 2]), weight.shape);
}

/** The numbers of the elements of a kernel, row by row. */
const rowsOfKernel = (k: number): number[][] =>
  Array.from({ length: k }, (_, r) => Array.from({ length: k }, (_, c) => r * k + c));

/** Where, in [I, k k], the elements of [I / c, k k, c] come from. */
function blockOrder(channels: number, size: number, block: number): number[] {
  return Array.from({ length: channels * size }, (_, i) => {
    const [inner, element, outer] = [i % block, Math.floor(i / block) % size, Math.floor(i / (block * size))];
    return (outer * block + inner) * size + element;
  });
}

const gatherRows = (x: Tensor, rows: readonly number[]): Tensor => gather(x, Int32Array.from(rows), [rows.length], 0);

/** Makes a blocked weight of some elements of a kernel, given row by row, [height, width]. */
export type KernelOf = (picked: readonly (readonly number[])[]) => Tensor;

/** The kernels of the gradient of a convolution's input, which are made of the elements of its weight [O, I / groups, k, k]. */
export function gradientKernels(weight: Tensor, groups: number, block: number): KernelOf {
  if (groups > 1) return (picked) => depthwiseKernel(weight, picked, block);
  const [out, channels, k] = [fixedDim(weight, 0), fixedDim(weight, 1), fixedDim(weight, 2)];
  const elements = transpose(reshape(weight, [out * channels, k * k]), [1, 0]);
  return (picked) => blockedKernel(elements, { out, in: channels }, picked, block);
}

/** [C, 1, k, k] -> [C / c, height, width, c] of the elements that are picked, under the shape [C, 1, height, width]. */
function depthwiseKernel(weight: Tensor, picked: readonly (readonly number[])[], block: number): Tensor {
  const [channels, k] = [fixedDim(weight, 0), fixedDim(weight, 2)];
  const [height, width] = [picked.length, itemAt(picked, 0).length];
  const flat = reshape(weight, [channels / block, block, k * k]);
  const order = picked.flat();
  const inOrder = order.length === k * k && order.every((element, i) => element === i);
  const part = inOrder ? flat : gather(flat, Int32Array.from(order), [order.length], 2);
  return reshape(transpose(part, [0, 2, 1]), [channels, 1, height, width]);
}

/**
 * The blocked weight of a convolution from O to I channels, as gradients need it.
 * @param elements of the kernels, [k k, O I]
 * @param picked which of them make the kernel, row by row, [height, width]
 */
function blockedKernel(
  elements: Tensor,
  channels: { readonly out: number; readonly in: number },
  picked: readonly (readonly number[])[],
  block: number,
): Tensor {
  const [height, width] = [picked.length, itemAt(picked, 0).length];
  const rows = gatherRows(elements, picked.flat());
  const parts = reshape(rows, [height * width, channels.out / block, block, channels.in / block, block]);
  return reshape(transpose(parts, [3, 1, 0, 2, 4]), [channels.in, channels.out, height, width]);
}

/** A Conv whose weight changes, blocked where its channels allow it. */
export function lowerBlocked(node: Node, block: number): readonly Tensor[] | undefined {
  const [x, weight] = [operand(node, 0), operand(node, 1)];
  const { fixed, group, strides, pads } = attributesOf('Conv', node);
  if (fixed !== undefined || !fillsBlocks(block, group, weight)) return undefined;
  const bias = node.inputs.length > 2 ? operand(node, 2) : undefined;
  const options = { stride: itemAt(strides, 0), pads, groups: group };
  return [blockedConvolution(toBlocks(x), blockedWeight(weight, group, block), bias, output(node, 0).shape, options)];
}
