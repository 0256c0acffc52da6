// Convolutions and normalisations of maps as actions.

import { itemAt } from '../common/item-at.js';
import { copy, withContiguousChannels } from './emit-elements.js';
import type { MemoryPlanner } from './memory-planner.js';
import { floatBytes, type PackedWeights, vector } from './pack.js';
import { UnsupportedError } from './unsupported.js';
import { broadcastTo, channelsLastView, mapDims, mapSteps, pixelAxes, sliced, type View } from './views.js';
import { type WinogradWeights, winogradConvolution } from './winograd.js';

/** Where the factors of the channels lie, and what is added to them. */
export interface AffineAddresses {
  readonly scale: number;
  readonly shift: number;
}

/** Weights in memory, in the order of the kernels that make the convolution. */
export type ConvolutionWeights =
  | (PackedWeights & { readonly kind: 'product' })
  | { readonly kind: 'depthwise'; readonly at: number }
  | (WinogradWeights & { readonly kind: 'winograd' });

export interface Convolution {
  /** What is done with the input before it is padded. */
  readonly before: AffineAddresses | undefined;
  readonly weights: ConvolutionWeights;
  readonly kernel: number;
  readonly stride: number;
  /** In ONNX's order: top, left, bottom, right. */
  readonly pads: readonly number[];
}

/** The windows of a convolution on its padded input. */
interface Windows {
  /** Their first pixels, [n, C, H, W] of the output. */
  readonly first: View;
  /** Bytes from one row of a window to the next. */
  readonly row: number;
  /** Bytes from one pixel of a window to the next. */
  readonly pixel: number;
}

/**
 * @param x [n, C, H, W]
 * @param out maps
 */
export function convolution(
  planner: MemoryPlanner,
  task: Convolution,
  x: View,
  residual: View | undefined,
  out: View,
): void {
  const { weights, kernel } = task;
  const windows = windowsOf(convolutionInput(planner, task, x), task, out);
  const other = residual && withContiguousChannels(planner, broadcastTo(residual, out.dims));
  switch (weights.kind) {
    case 'winograd':
      winogradConvolution(planner, weights, windows.first, other, out);
      return;
    case 'depthwise':
      depthwise(planner, weights.at, kernel, windows, out);
      return;
    case 'product':
      windowProducts(planner, weights, kernel, windows, other, out);
  }
}

function windowsOf(input: View, { stride, pads }: Convolution, out: View): Windows {
  const [, , height, width] = mapDims(out.dims);
  const [top, left] = [itemAt(pads, 0), itemAt(pads, 1)];
  const first = sliced(sliced(input, 2, 0, height, stride), 3, 0, width, stride);
  const offset = input.offset - top * itemAt(input.strides, 2) - left * itemAt(input.strides, 3);
  const [row, pixel] = mapSteps(input);
  return { first: { ...first, offset }, row, pixel };
}

function depthwise(
  planner: MemoryPlanner,
  weights: number,
  kernel: number,
  { first, row, pixel }: Windows,
  out: View,
): void {
  const [n, channels, height, width] = mapDims(out.dims);
  const count = n * height * width;
  planner.add([first], [out], ({ kernels, address, table }) => {
    const [from, to, at, target] = [table(first, pixelAxes), table(out, pixelAxes), address(first), address(out)];
    return () => kernels.depthwise(at, from, count, kernel, kernel, row, pixel, weights, channels, target, to);
  });
}

/** Products of whole windows with the weights. The pixels of a window's row lie one behind the other. */
function windowProducts(
  planner: MemoryPlanner,
  { at: weights, outputs }: PackedWeights,
  kernel: number,
  { first, row }: Windows,
  other: View | undefined,
  out: View,
): void {
  const [n, , height, width] = mapDims(out.dims);
  const count = n * height * width;
  const rowBytes = kernel * itemAt(first.dims, 1) * floatBytes;
  planner.add([first, other], [out], ({ kernels, address, table }) => {
    const [from, to, at, target] = [table(first, pixelAxes), table(out, pixelAxes), address(first), address(out)];
    const [added, addedOffsets] = other === undefined ? [0, 0] : [address(other), table(other, pixelAxes)];
    return () =>
      kernels.product(at, from, count, kernel, rowBytes, row, weights, outputs, target, to, added, addedOffsets);
  });
}

/** The input, padded and normalised, with the pixels of a window's row one behind the other. */
function convolutionInput(planner: MemoryPlanner, { before, weights, kernel, pads }: Convolution, x: View): View {
  const [n, channels, height, width] = mapDims(x.dims);
  const padding = Math.max(...pads);
  const isTight = itemAt(x.strides, 3) === channels || kernel === 1 || weights.kind === 'depthwise';
  const isPadded = padding === 0 || x.padding >= padding;
  if (before === undefined && x.strides[1] === 1 && isTight && isPadded) return x;
  const padded = channelsLastView(x.dims, padding, channels);
  if (before === undefined) copy(planner, x, padded);
  else affine(planner, before, withContiguousChannels(planner, x), padded, n * height * width, channels);
  return padded;
}

/** @throws UnsupportedError where channels are no multiple of 4 */
function affine(
  planner: MemoryPlanner,
  { scale, shift }: AffineAddresses,
  x: View,
  out: View,
  count: number,
  channels: number,
): void {
  if (channels % vector !== 0) throw new UnsupportedError(`${channels} channels to be normalised`);
  planner.add([x], [out], ({ kernels, address, table }) => {
    const [from, to, at, target] = [table(x, pixelAxes), table(out, pixelAxes), address(x), address(out)];
    return () => kernels.affine(at, from, count, scale, shift, channels, target, to);
  });
}

/** Maps [n, C, H, W] normalised with given statistics. */
export function batchNorm(planner: MemoryPlanner, by: AffineAddresses, x: View): View {
  const [n, channels, height, width] = mapDims(x.dims);
  const out = channelsLastView(x.dims);
  affine(planner, by, withContiguousChannels(planner, x), out, n * height * width, channels);
  return out;
}
