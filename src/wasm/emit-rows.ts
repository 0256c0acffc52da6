// What is done with rows of numbers: linear maps, products of matrices, softmax and normalisations.

import { itemAt } from '../common/item-at.js';
import { elements } from '../graph/index.js';
import type { AffineAddresses } from './emit-convolution.js';
import { withContiguousRows } from './emit-elements.js';
import type { GraphKernels } from './graph-kernels.js';
import type { MemoryPlanner } from './memory-planner.js';
import { floatBytes, type Matrix, type PackedWeights, packedFloats, packMatrix, roundedUp, vector } from './pack.js';
import { UnsupportedError } from './unsupported.js';
import { broadcastTo, contiguousView, rowAlignedView, type View } from './views.js';

const axesBefore = (end: number): number[] => Array.from({ length: end }, (_, i) => i);

/** A linear map of the last axis. */
export function linear(
  planner: MemoryPlanner,
  weights: PackedWeights,
  x: View,
  residual: View | undefined,
  features: number,
): View {
  const rows = x.dims.slice(0, -1);
  const out = rowAlignedView([...rows, features]);
  const input = withContiguousRows(planner, x);
  const other = residual && withContiguousRows(planner, broadcastTo(residual, out.dims));
  const axes = axesBefore(rows.length);
  const count = elements(rows);
  const rowBytes = itemAt(x.dims, rows.length) * floatBytes;
  planner.add([input, other], [out], ({ kernels, address, table }) => {
    const [from, to, at, target] = [table(input, axes), table(out, axes), address(input), address(out)];
    const [added, addedOffsets] = other === undefined ? [0, 0] : [address(other), table(other, axes)];
    const window = [1, rowBytes, rowBytes] as const;
    return () =>
      kernels.product(at, from, count, ...window, weights.at, weights.outputs, target, to, added, addedOffsets);
  });
  return out;
}

/**
 * The matrix product over the last two axes.
 * @param out [..., M, L]
 */
export function matrixProduct(planner: MemoryPlanner, a: View, b: View, residual: View | undefined, out: View): void {
  const outer = out.dims.slice(0, -2);
  const [rowAxis, columnAxis] = [outer.length, outer.length + 1];
  const [rows, outputs] = [itemAt(out.dims, rowAxis), itemAt(out.dims, columnAxis)];
  const inputs = itemAt(a.dims, a.dims.length - 1);
  const left = withContiguousRows(planner, broadcastTo(a, [...outer, rows, inputs]));
  const right = broadcastTo(b, [...outer, inputs, outputs]);
  const other = residual && withContiguousRows(planner, broadcastTo(residual, out.dims));
  const steps = { output: itemAt(right.strides, columnAxis), tap: 0, input: itemAt(right.strides, rowAxis) };
  const size = { outputs, taps: 1, inputs };
  const panels = contiguousView([packedFloats(size)]);
  const rowBytes = inputs * floatBytes;
  planner.add([left, right, other], [out, panels], ({ kernels, address, table }) => {
    const packed = address(panels);
    const [from, to] = [table(left, [rowAxis]), table(out, [rowAxis])];
    const addedOffsets = other === undefined ? 0 : table(other, [rowAxis]);
    const each = indices(outer).map((index) => {
      const at = (view: View): number =>
        address(view) + floatBytes * index.reduce((sum, i, axis) => sum + i * itemAt(view.strides, axis), 0);
      const matrix: Matrix = { ...size, at: at(right), steps };
      return { matrix, row: at(left), target: at(out), added: other === undefined ? 0 : at(other) };
    });
    const window = [1, rowBytes, rowBytes] as const;
    return () => {
      for (const { matrix, row, target, added } of each) {
        packMatrix(kernels, matrix, {}, packed);
        kernels.product(row, from, rows, ...window, packed, roundedUp(outputs), target, to, added, addedOffsets);
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
function rowwise(
  planner: MemoryPlanner,
  x: View,
  run: (
    kernels: GraphKernels,
    at: number,
    from: number,
    count: number,
    length: number,
    out: number,
    to: number,
  ) => void,
): View {
  const [input, out] = [withContiguousRows(planner, x), rowAlignedView(x.dims)];
  const rows = x.dims.slice(0, -1);
  const axes = axesBefore(rows.length);
  const [count, length] = [elements(rows), itemAt(x.dims, rows.length)];
  planner.add([input], [out], ({ kernels, address, table }) => {
    const [at, from, target, to] = [address(input), table(input, axes), address(out), table(out, axes)];
    return () => run(kernels, at, from, count, length, target, to);
  });
  return out;
}

export const softmax = (planner: MemoryPlanner, x: View): View =>
  rowwise(planner, x, (kernels, at, from, count, length, out, to) => kernels.softmax(at, from, count, length, out, to));

export function layerNorm(planner: MemoryPlanner, { scale, shift }: AffineAddresses, epsilon: number, x: View): View {
  if (itemAt(x.dims, x.dims.length - 1) % vector !== 0)
    throw new UnsupportedError('rows of another length to be normalised');
  return rowwise(planner, x, (kernels, at, from, count, length, out, to) =>
    kernels.layerNorm(at, from, count, length, scale, shift, epsilon, out, to),
  );
}
