// Tensors as kernels see them: numbers somewhere in a storage, a fixed distance from one element of an axis to the next. Transposing,
// cutting and most reshaping then move nothing.

import { itemAt } from '../common/item-at.js';
import { vector } from './pack.js';

/** A part of the memory, which has its place once all that runs is known. */
export interface Storage {
  readonly floats: number;
  /** Storages of one kind may have one place, one after the other: zeros around a map stay zeros. */
  readonly kind: string;
}

export interface View {
  readonly storage: Storage;
  /** Of the first element, in numbers, as strides are. */
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
  /** Zeros around the pixels of a map that is seen whole; 0 for all else. */
  readonly border: number;
}

/** Numbers that kernels may read or write beyond a tensor. */
const slack = 2 * vector;

export const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);
export const roundedUp = (n: number): number => Math.ceil(n / vector) * vector;

const plainStorage = (floats: number): Storage => {
  // Of nearly equal sizes, so that places are used again.
  const size = Math.ceil((floats + slack) / 64) * 64;
  return { floats: size, kind: `${size}` };
};

/** A tensor of its own, row-major. */
export function contiguousView(dims: readonly number[], pitch = itemAt([1, ...dims], dims.length)): View {
  const strides: number[] = [];
  let stride = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides.unshift(stride);
    stride *= axis === dims.length - 1 ? pitch : itemAt(dims, axis);
  }
  return { storage: plainStorage(stride), offset: 0, dims, strides, border: 0 };
}

/** The same with rows of the last axis that begin at multiples of 4 numbers. */
export const rowAlignedView = (dims: readonly number[]): View =>
  contiguousView(dims, roundedUp(itemAt(dims, dims.length - 1)));

/** Maps [n, C, H, W] of their own, the channels of a pixel together. */
export function channelsLastView(
  [n = 1, channels = 1, height = 1, width = 1]: readonly number[],
  border = 0,
  pitch = roundedUp(channels),
): View {
  const row = (width + 2 * border) * pitch;
  const picture = (height + 2 * border) * row;
  const floats = n * picture;
  const dims = [n, channels, height, width];
  const kind = border === 0 ? undefined : `${dims}, ${pitch} within ${border}`;
  const storage = kind === undefined ? plainStorage(floats) : { floats: floats + slack, kind };
  return { storage, offset: border * (row + pitch), dims, strides: [picture, 1, row, pitch], border };
}

/** Whether it is maps with the channels of a pixel together. */
export const isChannelsLast = ({ dims, strides }: View): boolean =>
  dims.length === 4 && strides[1] === 1 && itemAt(dims, 1) > 1;

export function transposed(view: View, perm: readonly number[]): View {
  const picked = (list: readonly number[]): number[] => perm.map((axis) => itemAt(list, axis));
  return { ...view, dims: picked(view.dims), strides: picked(view.strides), border: 0 };
}

/** Every `step`th element of an axis. */
export function sliced(view: View, axis: number, start: number, size: number, step = 1): View {
  const stride = itemAt(view.strides, axis);
  return {
    ...view,
    offset: view.offset + start * stride,
    dims: view.dims.map((dim, i) => (i === axis ? size : dim)),
    strides: view.strides.map((own, i) => (i === axis ? own * step : own)),
    border: 0,
  };
}

/** Repeated to other dimensions, as NumPy broadcasts. */
export function broadcastTo(view: View, dims: readonly number[]): View {
  const lacking = dims.length - view.dims.length;
  const strides = dims.map((dim, i) => {
    const own = i < lacking ? 1 : itemAt(view.dims, i - lacking);
    return own === 1 && dim !== 1 ? 0 : i < lacking ? 0 : itemAt(view.strides, i - lacking);
  });
  return { ...view, dims, strides, border: 0 };
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
  return { ...view, dims, strides, border: 0 };
}

/** Numbers of a view that has a storage of its own, row by row without a border; undefined for others. */
export function contiguousFloats(view: View): number | undefined {
  const { dims, strides, offset, border } = view;
  if (offset !== 0 || border !== 0) return undefined;
  if (String(emptyLike(view).strides) !== String(strides)) return undefined;
  return itemAt(dims, 0) * itemAt(strides, 0);
}

/** A view of other storage that lies as this one does. */
export const emptyLike = (view: View): View =>
  isChannelsLast(view) ? channelsLastView(view.dims) : rowAlignedView(view.dims);
