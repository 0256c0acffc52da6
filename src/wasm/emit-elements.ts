// Actions over single elements: copies, sums, functions, means.

import { itemAt } from '../common/item-at.js';
import { activations, binaryOperations } from './graph-kernels.js';
import type { MemoryPlanner } from './memory-planner.js';
import { floatBytes } from './pack.js';
import { UnsupportedError } from './unsupported.js';
import {
  broadcastTo,
  channelsLastView,
  contiguousView,
  emptyLike,
  isChannelsLast,
  isWhole,
  reshaped,
  rowAlignedView,
  type View,
  wholeFloats,
} from './views.js';

/** Copies a view into another of the same dimensions. */
export const copy = (planner: MemoryPlanner, from: View, to: View): void =>
  elementwise(planner, 'copy', to, from, from);

/** A function of two tensors of the output's dimensions, element by element. */
export function elementwise(
  planner: MemoryPlanner,
  name: keyof typeof binaryOperations,
  out: View,
  a: View,
  b: View,
  order: View = out,
): void {
  const axes = mergedAxes(order, out, a, b);
  const sizes = axes.map(({ dim }) => dim);
  const strides = [0, 1, 2].flatMap((i) => axes.map((axis) => itemAt(axis.strides, i) * floatBytes));
  planner.add([a, b], [out], ({ kernels, address, integers }) => {
    const described = integers([...sizes, ...strides]);
    const [to, first, second] = [address(out), address(a), address(b)];
    return () => kernels.elementwise(binaryOperations[name], described, to, first, second);
  });
}

/** Five axes, the innermost last; those that lie one behind the other in all views are one. */
function mergedAxes(order: View, ...views: readonly View[]): { dim: number; readonly strides: readonly number[] }[] {
  const axes = order.dims
    .map((dim, axis) => ({
      dim,
      strides: views.map((view) => itemAt(view.strides, axis)),
      by: itemAt(order.strides, axis),
    }))
    .filter(({ dim }) => dim > 1)
    .sort((x, y) => y.by - x.by);
  const merged: { dim: number; strides: readonly number[] }[] = [];
  for (const { dim, strides } of axes) {
    const outer = merged.at(-1);
    if (outer?.strides.every((stride, i) => stride === dim * itemAt(strides, i)) === true) {
      outer.dim *= dim;
      outer.strides = strides;
    } else merged.push({ dim, strides });
  }
  while (merged.length < 5) merged.unshift({ dim: 1, strides: views.map(() => 0) });
  if (merged.length > 5) throw new UnsupportedError(`${merged.length} axes`);
  return merged;
}

/** The elements in other dimensions, moved where they must be. */
export function reshape(planner: MemoryPlanner, view: View, dims: readonly number[]): View {
  const same = reshaped(view, dims);
  if (same !== undefined) return same;
  const moved = contiguousView(view.dims);
  copy(planner, view, moved);
  const found = reshaped(moved, dims);
  if (found === undefined) throw new Error('elements that lie row by row have any dimensions');
  return found;
}

/** The same with the numbers of the last axis one behind the other. */
export function withContiguousRows(planner: MemoryPlanner, view: View): View {
  if (view.strides.at(-1) === 1) return view;
  const rows = rowAlignedView(view.dims);
  copy(planner, view, rows);
  return rows;
}

/** The same with the channels of a pixel one behind the other. */
export function withContiguousChannels(planner: MemoryPlanner, view: View): View {
  if (view.strides[1] === 1) return view;
  const map = channelsLastView(view.dims);
  copy(planner, view, map);
  return map;
}

/** A function of each number. */
export function activation(planner: MemoryPlanner, name: keyof typeof activations, x: View): View {
  const input = isWhole(x) ? x : emptyLike(x);
  if (input !== x) copy(planner, x, input);
  const out = emptyLike(input);
  const floats = wholeFloats(input);
  planner.add([input], [out], ({ kernels, address }) => {
    const [from, to] = [address(input), address(out)];
    return () => kernels.activate(activations[name], from, floats, to);
  });
  return out;
}

/** What means are made with: numbers, as tensors without axes. */
export interface MeanNumbers {
  readonly zero: View;
  /** 1 over the elements of a mean. */
  readonly share: View;
}

/** The mean over axes, which are then 1 long. */
export function mean(planner: MemoryPlanner, { zero, share }: MeanNumbers, axes: readonly number[], x: View): View {
  const dims = x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const out = isChannelsLast(x) ? channelsLastView(dims) : rowAlignedView(dims);
  copy(planner, broadcastTo(zero, dims), out);
  elementwise(planner, 'multiplyAdd', broadcastTo(out, x.dims), x, broadcastTo(share, x.dims), x);
  return out;
}
