// Tensors as kernels see them: numbers somewhere in a storage, a fixed distance from one element of an axis to the next. Transposing,
// cutting and most reshaping then move nothing.

import { itemAt } from '../common/item-at.js';
import { floatBytes, roundedUp, vector } from './pack.js';
import { UnsupportedError } from './unsupported.js';

/** A part of the memory, which has its place once all that runs is known. */
export interface Storage {
  readonly floats: number;
  /** Storages of one kind may have one place, one after the other: padding stays zeros. */
  readonly kind: string;
}

export interface View {
  readonly storage: Storage;
  /** Of the first element, in numbers, as strides are. */
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
  /** Zero padding around the pixels of a map that is seen whole; 0 for all else. */
  readonly padding: number;
}

/** Numbers that kernels may read or write beyond a tensor. */
const slack = 2 * vector;

/** Axes of maps [n, C, H, W] but for the channels. */
export const pixelAxes = [0, 2, 3] as const;

const plainStorage = (floats: number): Storage => {
  // Of nearly equal sizes, so that places are used again.
  const size = Math.ceil((floats + slack) / 64) * 64;
  return { floats: size, kind: `${size}` };
};

/** Numbers of the last axis; 1 where there are no axes. */
export const rowLength = (dims: readonly number[]): number => itemAt([1, ...dims], dims.length);

/** A tensor of its own, row-major. */
export function contiguousView(dims: readonly number[], pitch = rowLength(dims)): View {
  const strides: number[] = [];
  let stride = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides.unshift(stride);
    stride *= axis === dims.length - 1 ? pitch : itemAt(dims, axis);
  }
  return { storage: plainStorage(stride), offset: 0, dims, strides, padding: 0 };
}

/** The same with rows of the last axis that begin at multiples of 4 numbers. */
export const rowAlignedView = (dims: readonly number[]): View => contiguousView(dims, roundedUp(rowLength(dims)));

/**
 * The dimensions of maps.
 * @throws UnsupportedError for tensors of other axes
 */
export function mapDims(
  dims: readonly number[],
): readonly [n: number, channels: number, height: number, width: number] {
  const [n, channels, height, width] = dims;
  if (dims.length !== 4 || n === undefined || channels === undefined || height === undefined || width === undefined) {
    throw new UnsupportedError(`maps of ${dims.length} axes`);
  }
  return [n, channels, height, width];
}

/** Bytes from one row of pixels of a map to the next, and from one pixel. */
export const mapSteps = ({ strides }: View): readonly [row: number, pixel: number] => [
  itemAt(strides, 2) * floatBytes,
  itemAt(strides, 3) * floatBytes,
];

/** Maps [n, C, H, W] of their own, the channels of a pixel together. */
export function channelsLastView(dims: readonly number[], padding = 0, pitch = roundedUp(mapDims(dims)[1])): View {
  const [n, , height, width] = mapDims(dims);
  const row = (width + 2 * padding) * pitch;
  const picture = (height + 2 * padding) * row;
  const floats = n * picture;
  const storage =
    padding === 0 ? plainStorage(floats) : { floats: floats + slack, kind: `${dims}, ${pitch} within ${padding}` };
  return { storage, offset: padding * (row + pitch), dims, strides: [picture, 1, row, pitch], padding };
}

/** Whether it is maps with the channels of a pixel together. */
export const isChannelsLast = ({ dims, strides }: View): boolean =>
  dims.length === 4 && strides[1] === 1 && itemAt(dims, 1) > 1;

export function transposed(view: View, perm: readonly number[]): View {
  const picked = (list: readonly number[]): number[] => perm.map((axis) => itemAt(list, axis));
  return { ...view, dims: picked(view.dims), strides: picked(view.strides), padding: 0 };
}

/** Every `step`th element of an axis. */
export function sliced(view: View, axis: number, start: number, size: number, step = 1): View {
  const stride = itemAt(view.strides, axis);
  return {
    ...view,
    offset: view.offset + start * stride,
    dims: view.dims.map((dim, i) => (i === axis ? size : dim)),
    strides: view.strides.map((own, i) => (i === axis ? own * step : own)),
    padding: 0,
  };
}

/** Repeated to other dimensions, as NumPy broadcasts. */
export function broadcastTo(view: View, dims: readonly number[]): View {
  const lacking = dims.length - view.dims.length;
  const strides = dims.map((dim, i) => {
    const own = i < lacking ? 1 : itemAt(view.dims, i - lacking);
    return own === 1 && dim !== 1 ? 0 : i < lacking ? 0 : itemAt(view.strides, i - lacking);
  });
  return { ...view, dims, strides, padding: 0 };
}

/** The same elements in other dimensions; undefined where they would have to be moved. */
export function reshaped(view: View, dims: readonly number[]): View | undefined {
  const from = view.dims.map((dim, i) => ({ dim, stride: itemAt(view.strides, i) })).filter(({ dim }) => dim !== 1);
  let at = 0;
  const groups: { readonly axes: readonly number[]; readonly stride: number }[] = [];
  // Axes are taken from both sides until as many elements lie in them.
  let axis = 0;
  while (at < from.length) {
    let { dim: have, stride } = itemAt(from, at++);
    const axes: number[] = [];
    let want = 1;
    while (want !== have) {
      if (want < have) {
        if (axis >= dims.length) return undefined;
        want *= itemAt(dims, axis);
        axes.push(axis++);
      } else {
        const next = from[at++];
        if (next === undefined || stride !== next.dim * next.stride) return undefined;
        have *= next.dim;
        stride = next.stride;
      }
    }
    groups.push({ axes, stride });
  }
  const strides = dims.map(() => 0);
  for (const { axes, stride } of groups) {
    let step = stride;
    for (const one of [...axes].reverse()) {
      strides[one] = step;
      step *= itemAt(dims, one);
    }
  }
  return { ...view, dims, strides, padding: 0 };
}

/** Whether a view has a storage of its own, row by row without padding. */
export const isWhole = (view: View): boolean =>
  view.offset === 0 && view.padding === 0 && String(emptyLike(view).strides) === String(view.strides);

/** Numbers of a view that is whole, with those that its rows are rounded up by. */
export const wholeFloats = ({ dims, strides }: View): number => itemAt(dims, 0) * itemAt(strides, 0);

/** A view of other storage that lies as this one does. */
export const emptyLike = (view: View): View =>
  isChannelsLast(view) ? channelsLastView(view.dims) : rowAlignedView(view.dims);
