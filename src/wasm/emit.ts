// Tasks as actions over views, for a number of pictures.

import { itemAt } from '../common/item-at.js';
import { combinations, functions, type GraphKernels } from './graph-kernels.js';
import type { Tape } from './tape.js';
import { UnsupportedError } from './unsupported.js';
import {
  alike,
  broadcastTo,
  denseView,
  isMap,
  mapView,
  reshaped,
  roundedUp,
  rowsView,
  sliced,
  type View,
  wholeFloats,
} from './views.js';
import { vector } from './pack.js';

const floatBytes = 4;

/** Weights in memory, in the order of the kernels. */
export interface PackedWeights {
  readonly at: number;
  readonly outputs: number;
}

/** A vector for each of two factors, in memory. */
export interface PlacedAffine {
  readonly scale: number;
  readonly shift: number;
}

const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);
const axesBefore = (end: number): number[] => Array.from({ length: end }, (_, i) => i);
/** Axes of a map but for its channels. */
const pixelAxes = [0, 2, 3] as const;

/** Copies a view into another of the same dimensions. */
export const copy = (tape: Tape, from: View, to: View): void => combine(tape, 'first', to, from, from);

/** A function of two tensors of the output's dimensions, element by element. */
export function combine(tape: Tape, name: keyof typeof combinations, out: View, a: View, b: View, order: View = out): void {
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
    .map((dim, axis) => ({ dim, strides: views.map((view) => itemAt(view.strides, axis)), by: itemAt(order.strides, axis) }))
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
function withRows(tape: Tape, view: View): View {
  if (view.strides.at(-1) === 1) return view;
  const rows = rowsView(view.dims);
  copy(tape, view, rows);
  return rows;
}

/** The same with the channels of a pixel one behind the other. */
function withPixels(tape: Tape, view: View): View {
  if (view.strides[1] === 1) return view;
  const map = mapView(view.dims);
  copy(tape, view, map);
  return map;
}

export interface Convolution {
  readonly before: PlacedAffine | undefined;
  readonly weights: PackedWeights;
  readonly kernel: number;
  readonly stride: number;
  readonly pads: readonly number[];
  readonly depthwise: boolean;
}

/**
 * @param x [n, C, H, W]
 * @param out maps
 */
export function convolution(tape: Tape, task: Convolution, x: View, residual: View | undefined, out: View): void {
  const { weights, kernel, stride, pads, depthwise } = task;
  const [top = 0, left = 0] = pads;
  const channels = itemAt(x.dims, 1);
  const input = convolutionInput(tape, task, x);
  const [, , row, pixel] = input.strides as readonly [number, number, number, number];
  // The first pixels of all windows.
  const windows = [2, 3].reduce((view, axis) => sliced(view, axis, 0, itemAt(out.dims, axis), stride), input);
  const corner: View = { ...windows, offset: input.offset - top * row - left * pixel };
  const count = product([0, 2, 3].map((axis) => itemAt(out.dims, axis)));
  if (depthwise) {
    tape.add([input], [out], ({ kernels, address, table }) => {
      const [from, to, at, target] = [table(corner, pixelAxes), table(out, pixelAxes), address(corner), address(out)];
      const strides = [row * floatBytes, pixel * floatBytes] as const;
      return () => kernels.depthwise(at, from, count, kernel, kernel, ...strides, weights.at, channels, target, to);
    });
    return;
  }
  const other = residual && withPixels(tape, broadcastTo(residual, out.dims));
  tape.add([input, other], [out], ({ kernels, address, table }) => {
    const [from, to, at, target] = [table(corner, pixelAxes), table(out, pixelAxes), address(corner), address(out)];
    const [added, beyond] = other === undefined ? [0, 0] : [address(other), table(other, pixelAxes)];
    const runs = [kernel, kernel * channels * floatBytes, row * floatBytes] as const;
    return () => kernels.product(at, from, count, ...runs, weights.at, weights.outputs, target, to, added, beyond);
  });
}

/** The input with zeros around it, and the pixels of a window's row one behind the other. */
function convolutionInput(tape: Tape, { before, kernel, pads, depthwise }: Convolution, x: View): View {
  const border = Math.max(...pads);
  const [, channels = 1, height = 1, width = 1] = x.dims;
  const isTight = itemAt(x.strides, 3) === channels || kernel === 1 || depthwise;
  if (before === undefined && x.strides[1] === 1 && isTight && (border === 0 || x.border >= border)) return x;
  const padded = mapView(x.dims, border, channels);
  if (before === undefined || channels % vector !== 0) {
    if (before !== undefined) throw new UnsupportedError(`${channels} channels to be normalised`);
    copy(tape, x, padded);
    return padded;
  }
  const map = withPixels(tape, x);
  affine(tape, before, map, padded, product([itemAt(x.dims, 0), height, width]), channels);
  return padded;
}

function affine(tape: Tape, { scale, shift }: PlacedAffine, x: View, out: View, count: number, channels: number): void {
  tape.add([x], [out], ({ kernels, address, table }) => {
    const [from, to, at, target] = [table(x, pixelAxes), table(out, pixelAxes), address(x), address(out)];
    return () => kernels.affine(at, from, count, scale, shift, channels, target, to);
  });
}

/** Maps [n, C, H, W] normalised with given statistics. */
export function normalizedMap(tape: Tape, by: PlacedAffine, x: View): View {
  const channels = itemAt(x.dims, 1);
  if (x.dims.length !== 4 || channels % vector !== 0) throw new UnsupportedError(`${channels} channels to be normalised`);
  const out = mapView(x.dims);
  affine(tape, by, withPixels(tape, x), out, product(x.dims) / channels, channels);
  return out;
}

/** A linear map of the last axis. */
export function linear(tape: Tape, weights: PackedWeights, x: View, residual: View | undefined, features: number): View {
  const out = rowsView([...x.dims.slice(0, -1), features]);
  const [input, other] = [withRows(tape, x), residual && withRows(tape, broadcastTo(residual, out.dims))];
  const axes = axesBefore(x.dims.length - 1);
  const [count, inputs] = [product(x.dims.slice(0, -1)), itemAt(x.dims, axes.length) * floatBytes];
  tape.add([input, other], [out], ({ kernels, address, table }) => {
    const [from, to, at, target] = [table(input, axes), table(out, axes), address(input), address(out)];
    const [added, beyond] = other === undefined ? [0, 0] : [address(other), table(other, axes)];
    return () => kernels.product(at, from, count, 1, inputs, inputs, weights.at, weights.outputs, target, to, added, beyond);
  });
  return out;
}

/**
 * The matrix product over the last two axes.
 * @param out [..., M, L]
 */
export function matrixProduct(tape: Tape, a: View, b: View, residual: View | undefined, out: View): void {
  const outer = out.dims.slice(0, -2);
  const rank = out.dims.length;
  const [rows, inputs, outputs] = [itemAt(out.dims, rank - 2), itemAt(a.dims, a.dims.length - 1), itemAt(out.dims, rank - 1)];
  const left = withRows(tape, broadcastTo(a, [...outer, rows, inputs]));
  const right = broadcastTo(b, [...outer, inputs, outputs]);
  const other = residual && withRows(tape, broadcastTo(residual, out.dims));
  const panels = denseView([roundedUp(outputs) * (inputs + 2)]);
  const [along = 0, across = 0] = right.strides.slice(-2);
  tape.add([left, right, other], [out, panels], ({ kernels, address, table }) => {
    const packed = address(panels);
    const lengths = [inputs * floatBytes, inputs * floatBytes] as const;
    const steps = [across * floatBytes, 1, 0, inputs, along * floatBytes] as const;
    const axes = [rank - 2];
    const [from, to, beyond] = [table(left, axes), table(out, axes), other === undefined ? 0 : table(other, axes)];
    const each = indices(outer).map((index) => {
      const at = (view: View): number => address(view) + floatBytes * index.reduce((sum, i, axis) => sum + i * itemAt(view.strides, axis), 0);
      return { matrix: at(right), row: at(left), target: at(out), added: other === undefined ? 0 : at(other) };
    });
    return () => {
      for (const { matrix, row, target, added } of each) {
        kernels.pack(matrix, ...steps, outputs, 0, 0, 0, packed);
        kernels.product(row, from, rows, 1, ...lengths, packed, roundedUp(outputs), target, to, added, beyond);
      }
    };
  });
}

/** All indices of axes. */
function indices(dims: readonly number[]): number[][] {
  return dims.reduce<number[][]>(
    (found, dim) => found.flatMap((index) => Array.from({ length: dim }, (_, i) => [...index, i])),
    [[]],
  );
}

/** What is done with each row of the last axis by itself. */
function eachRow(
  tape: Tape,
  x: View,
  run: (kernels: GraphKernels, at: number, from: number, count: number, length: number, out: number, to: number) => void,
): View {
  const [input, out] = [withRows(tape, x), rowsView(x.dims)];
  const axes = axesBefore(x.dims.length - 1);
  const [count, length] = [product(x.dims.slice(0, -1)), itemAt(x.dims, axes.length)];
  tape.add([input], [out], ({ kernels, address, table }) => {
    const [at, from, target, to] = [address(input), table(input, axes), address(out), table(out, axes)];
    return () => run(kernels, at, from, count, length, target, to);
  });
  return out;
}

export const softmax = (tape: Tape, x: View): View =>
  eachRow(tape, x, (kernels, at, from, count, length, out, to) => kernels.softmax(at, from, count, length, out, to));

export function layerNorm(tape: Tape, { scale, shift }: PlacedAffine, epsilon: number, x: View): View {
  if (itemAt(x.dims, x.dims.length - 1) % vector !== 0) throw new UnsupportedError('rows of another length to be normalised');
  return eachRow(tape, x, (kernels, at, from, count, length, out, to) =>
    kernels.normalize(at, from, count, length, scale, shift, epsilon, out, to),
  );
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
