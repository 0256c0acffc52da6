// Actions over single elements: copies, sums, functions, means.

import { itemAt } from '../common/item-at.js';
import { combinations, functions } from './graph-kernels.js';
import type { Tape } from './tape.js';
import { UnsupportedError } from './unsupported.js';
import {
  alike,
  broadcastTo,
  denseView,
  isMap,
  mapView,
  product,
  reshaped,
  rowsView,
  type View,
  wholeFloats,
} from './views.js';

const floatBytes = 4;

/** Copies a view into another of the same dimensions. */
export const copy = (tape: Tape, from: View, to: View): void => combine(tape, 'first', to, from, from);

/** A function of two tensors of the output's dimensions, element by element. */
export function combine(
  tape: Tape,
  name: keyof typeof combinations,
  out: View,
  a: View,
  b: View,
  order: View = out,
): void {
  const axes = mergedAxes(order, out, a, b);
  const sizes = axes.map(({ dim }) => dim);
  const strides = [0, 1, 2].flatMap((i) => axes.map((axis) => itemAt(axis.strides, i) * floatBytes));
  tape.add([a, b], [out], ({ kernels, address, integers }) => {
    const described = integers([...sizes, ...strides]);
    const [to, first, second] = [address(out), address(a), address(b)];
    return () => kernels.combine(combinations[name], described, to, first, second);
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
export function inDims(tape: Tape, view: View, dims: readonly number[]): View {
  const seen = reshaped(view, dims);
  if (seen !== undefined) return seen;
  const moved = denseView(view.dims);
  copy(tape, view, moved);
  const found = reshaped(moved, dims);
  if (found === undefined) throw new Error('elements that lie row by row have any dimensions');
  return found;
}

/** The same with the numbers of the last axis one behind the other. */
export function withRows(tape: Tape, view: View): View {
  if (view.strides.at(-1) === 1) return view;
  const rows = rowsView(view.dims);
  copy(tape, view, rows);
  return rows;
}

/** The same with the channels of a pixel one behind the other. */
export function withPixels(tape: Tape, view: View): View {
  if (view.strides[1] === 1) return view;
  const map = mapView(view.dims);
  copy(tape, view, map);
  return map;
}

/** A function of each number. */
export function mapped(tape: Tape, name: keyof typeof functions, x: View): View {
  let input = x;
  if (wholeFloats(input) === undefined) {
    input = alike(x);
    copy(tape, x, input);
  }
  const out = alike(input);
  const floats = wholeFloats(input) ?? 0;
  tape.add([input], [out], ({ kernels, address }) => {
    const [from, to] = [address(input), address(out)];
    return () => kernels.map(functions[name], from, floats, to);
  });
  return out;
}

/** The mean over axes, which are then 1 long. */
export function mean(tape: Tape, x: View, axes: readonly number[], constant: (value: number) => View): View {
  const dims = x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const out = isMap(x) ? mapView(dims) : rowsView(dims);
  const zero = broadcastTo(constant(0), dims);
  combine(tape, 'first', out, zero, zero);
  const sum: View = { ...broadcastTo(out, x.dims) };
  const share = constant(1 / product(axes.map((axis) => itemAt(x.dims, axis))));
  combine(tape, 'addProduct', sum, x, broadcastTo(share, x.dims), x);
  return out;
}
