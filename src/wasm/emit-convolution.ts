// Convolutions and normalisations of maps as actions.

import { itemAt } from '../common/item-at.js';
import { copy, withContiguousChannels } from './emit-elements.js';
import type { MemoryPlanner } from './memory-planner.js';
import { vector } from './pack.js';
import { UnsupportedError } from './unsupported.js';
import { broadcastTo, channelsLastView, product, sliced, type View } from './views.js';
import { type WinogradWeights, winogradConvolution } from './winograd.js';

const floatBytes = 4;
/** Axes of a map but for its channels. */
const pixelAxes = [0, 2, 3] as const;

/** Weights in memory, in the order of the kernels. */
export interface PackedWeights {
  readonly at: number;
  readonly outputs: number;
}

/** A vector for each of two factors, in memory. */
export interface AffineAddresses {
  readonly scale: number;
  readonly shift: number;
}

export interface Convolution {
  readonly before: AffineAddresses | undefined;
  readonly weights: PackedWeights;
  readonly kernel: number;
  readonly stride: number;
  readonly pads: readonly number[];
  readonly depthwise: boolean;
  /** In place of `weights`, where it is made by Winograd's tiles. */
  readonly winograd: WinogradWeights | undefined;
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
  const { weights, kernel, stride, pads, depthwise } = task;
  const [top = 0, left = 0] = pads;
  const channels = itemAt(x.dims, 1);
  const input = convolutionInput(planner, task, x);
  const [, , row, pixel] = input.strides as readonly [number, number, number, number];
  // The first pixels of all windows.
  const windows = [2, 3].reduce((view, axis) => sliced(view, axis, 0, itemAt(out.dims, axis), stride), input);
  const corner: View = { ...windows, offset: input.offset - top * row - left * pixel };
  const other = residual && withContiguousChannels(planner, broadcastTo(residual, out.dims));
  if (task.winograd !== undefined) {
    winogradConvolution(planner, task.winograd, corner, other, out);
    return;
  }
  const count = product([0, 2, 3].map((axis) => itemAt(out.dims, axis)));
  if (depthwise) {
    planner.add([input], [out], ({ kernels, address, table }) => {
      const [from, to, at, target] = [table(corner, pixelAxes), table(out, pixelAxes), address(corner), address(out)];
      const strides = [row * floatBytes, pixel * floatBytes] as const;
      return () => kernels.depthwise(at, from, count, kernel, kernel, ...strides, weights.at, channels, target, to);
    });
    return;
  }
  planner.add([input, other], [out], ({ kernels, address, table }) => {
    const [from, to, at, target] = [table(corner, pixelAxes), table(out, pixelAxes), address(corner), address(out)];
    const [added, residualOffsets] = other === undefined ? [0, 0] : [address(other), table(other, pixelAxes)];
    const runs = [kernel, kernel * channels * floatBytes, row * floatBytes] as const;
    return () =>
      kernels.product(at, from, count, ...runs, weights.at, weights.outputs, target, to, added, residualOffsets);
  });
}

/** The input with zeros around it, and the pixels of a window's row one behind the other. */
function convolutionInput(planner: MemoryPlanner, { before, kernel, pads, depthwise }: Convolution, x: View): View {
  const border = Math.max(...pads);
  const [, channels = 1, height = 1, width = 1] = x.dims;
  const isTight = itemAt(x.strides, 3) === channels || kernel === 1 || depthwise;
  if (before === undefined && x.strides[1] === 1 && isTight && (border === 0 || x.border >= border)) return x;
  const padded = channelsLastView(x.dims, border, channels);
  if (before === undefined || channels % vector !== 0) {
    if (before !== undefined) throw new UnsupportedError(`${channels} channels to be normalised`);
    copy(planner, x, padded);
    return padded;
  }
  const map = withContiguousChannels(planner, x);
  affine(planner, before, map, padded, product([itemAt(x.dims, 0), height, width]), channels);
  return padded;
}

function affine(
  planner: MemoryPlanner,
  { scale, shift }: AffineAddresses,
  x: View,
  out: View,
  count: number,
  channels: number,
): void {
  planner.add([x], [out], ({ kernels, address, table }) => {
    const [from, to, at, target] = [table(x, pixelAxes), table(out, pixelAxes), address(x), address(out)];
    return () => kernels.affine(at, from, count, scale, shift, channels, target, to);
  });
}

/** Maps [n, C, H, W] normalised with given statistics. */
export function batchNorm(planner: MemoryPlanner, by: AffineAddresses, x: View): View {
  const channels = itemAt(x.dims, 1);
  if (x.dims.length !== 4 || channels % vector !== 0)
    throw new UnsupportedError(`${channels} channels to be normalised`);
  const out = channelsLastView(x.dims);
  affine(planner, by, withContiguousChannels(planner, x), out, product(x.dims) / channels, channels);
  return out;
}
