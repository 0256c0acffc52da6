import { int, ints, type Node, type Tensor } from '../graph/index.js';
import { applyOne, attributeInts, attributeNumber, operand, type Target } from './operation.js';
import { gather, reshape, transpose } from './shape.js';

// ONNX Runtime computes convolutions whose weights it knows in a layout of its own, NCHWc: channels in blocks of as many
// as a vector register holds, [N, C / c, H, W, c], with weights [O / c, I / c, k, k, c in, c out]. Weights that change are
// inputs to it, which it leaves as they are and multiplies a third slower. Here such convolutions are put into that
// layout by the graph itself. In the graph a blocked tensor keeps the shape [N, C, H, W]; only its elements are elsewhere.

/** Channels in a block, of a target that has such convolutions. */
export function channelBlock(target: Target): number | undefined {
  return target === 'cpu-nchw16c' ? 16 : target === 'cpu-nchw8c' ? 8 : undefined;
}

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
    strides: ints([options.stride, options.stride]),
    pads: ints(options.pads),
    kernel_shape: ints(weight.shape.slice(2).map(Number)),
    group: int(1),
  });
  return applyOne('NchwcReorderOutput', [y], shape, { channels: int(shape[1] as number) });
}

/**
 * [O, I, k, k] -> [O / c, I / c, k, k, c in, c out], under the same shape. In steps that ONNX Runtime has fast kernels
 * for: a transpose of two axes, gathering whole rows, and moving runs of c elements. (One transpose takes four times as
 * long, and two in a row are joined into one by its optimizer.)
 */
export function blockedWeight(weight: Tensor, block: number): Tensor {
  const [out, channels, k] = weight.shape as [number, number, number];
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
  const [out, channels, k] = weight.shape as [number, number, number];
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
  const [height, width] = [picked.length, picked[0]?.length ?? 0];
  const rows = gatherRows(elements, picked.flat());
  const parts = reshape(rows, [height * width, channels.out / block, block, channels.in / block, block]);
  return reshape(transpose(parts, [3, 1, 0, 2, 4]), [channels.in, channels.out, height, width]);
}

/** A Conv whose weight changes, blocked where its channels allow it. */
export function lowerBlocked(node: Node, block: number): readonly Tensor[] | undefined {
  const [x, weight] = [operand(node, 0), operand(node, 1)];
  const { attributes } = node;
  const [out, channels] = weight.shape as [number, number];
  const suits =
    attributes['fixed'] === undefined && fillsBlocks(block, attributeNumber(attributes, 'group'), channels, out);
  if (!suits) return undefined;
  const bias = node.inputs.length > 2 ? operand(node, 2) : undefined;
  const shape = node.outputs[0]?.shape ?? [];
  const options = { stride: attributeInts(attributes, 'strides')[0] ?? 1, pads: attributeInts(attributes, 'pads') };
  return [blockedConvolution(toBlocks(x), blockedWeight(weight, block), bias, shape, options)];
}
