import { itemAt } from '../common/item-at.js';
import { fixedDim, type Node, type Tensor } from '../graph/index.js';
import { applyOne, attributesOf, operand, output } from './operation.js';
import { gather, reshape, transpose } from './shape.js';

// ONNX Runtime computes convolutions whose weights it knows in a layout of its own, NCHWc: channels in blocks of as many
// as a vector register holds, [N, C / c, H, W, c], with weights [O / c, I / c, k, k, c in, c out]. Weights that change are
// inputs to it, which it leaves as they are and multiplies a third slower. Here such convolutions are put into that
// layout by the graph itself. In the graph a blocked tensor keeps the shape [N, C, H, W]; only its elements are elsewhere.

/** Whether a convolution of these channels fills whole blocks and has one group. */
export function fillsBlocks(block: number, groups: number, channels: number, out: number): boolean {
  return groups === 1 && channels % block === 0 && out % block === 0;
}

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
  options: { readonly stride: number; readonly pads: readonly number[] },
): Tensor {
  const y = applyOne('NchwcConv', bias ? [x, weight, bias] : [x, weight], shape, {
    strides: [options.stride, options.stride],
    pads: options.pads,
    kernel_shape: [fixedDim(weight, 2), fixedDim(weight, 3)],
    group: 1,
  });
  return applyOne('NchwcReorderOutput', [y], shape, { channels: fixedDim(y, 1) });
}

/**
 * [O, I, k, k] -> [O / c, I / c, k, k, c in, c out], under the same shape. In steps that ONNX Runtime has fast kernels
 * for: a transpose of two axes, gathering whole rows, and moving runs of c elements. (One transpose takes four times as
 * long, and two in a row are joined into one by its optimizer.)
 */
export function blockedWeight(weight: Tensor, block: number): Tensor {
  const [out, channels, k] = [fixedDim(weight, 0), fixedDim(weight, 1), fixedDim(weight, 2)];
  const size = k * k;
  const rows = transpose(reshape(weight, [out, channels * size]), [1, 0]);
  const parts = reshape(gatherRows(rows, blockOrder(channels, size, block)), [channels * size, out / block, block]);
  return reshape(transpose(parts, [1, 0, 2]), weight.shape);
}

/** Where, in [I, k k], the elements of [I / c, k k, c] come from. */
function blockOrder(channels: number, size: number, block: number): number[] {
  return Array.from({ length: channels * size }, (_, i) => {
    const [inner, element, outer] = [i % block, Math.floor(i / block) % size, Math.floor(i / (block * size))];
    return (outer * block + inner) * size + element;
  });
}

const gatherRows = (x: Tensor, rows: readonly number[]): Tensor => gather(x, Int32Array.from(rows), [rows.length], 0);

/** [O, I, k, k] -> [k k, O I]: the elements of the kernels, from which {@link blockedKernel} picks. */
export function kernelElements(weight: Tensor): Tensor {
  const [out, channels, k] = [fixedDim(weight, 0), fixedDim(weight, 1), fixedDim(weight, 2)];
  return transpose(reshape(weight, [out * channels, k * k]), [1, 0]);
}

/**
 * The blocked weight of a convolution from O to I channels, as gradients need it.
 * @param elements of {@link kernelElements}
 * @param picked which of them make the kernel, row by row, [height, width]
 */
export function blockedKernel(
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
  const suits = fixed === undefined && fillsBlocks(block, group, fixedDim(weight, 1), fixedDim(weight, 0));
  if (!suits) return undefined;
  const bias = node.inputs.length > 2 ? operand(node, 2) : undefined;
  const options = { stride: itemAt(strides, 0), pads };
  return [blockedConvolution(toBlocks(x), blockedWeight(weight, block), bias, output(node, 0).shape, options)];
}
