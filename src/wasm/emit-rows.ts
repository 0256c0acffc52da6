// What is done with rows of numbers: linear maps, products of matrices, softmax and normalisations.

import { itemAt } from '../common/item-at.js';
import type { AffineAddresses, PackedWeights } from './emit-convolution.js';
import { withContiguousRows } from './emit-elements.js';
import type { GraphKernels } from './graph-kernels.js';
import type { MemoryPlanner } from './memory-planner.js';
import { vector } from './pack.js';
import { UnsupportedError } from './unsupported.js';
import { broadcastTo, contiguousView, product, roundedUp, rowAlignedView, type View } from './views.js';

const floatBytes = 4;
const axesBefore = (end: number): number[] => Array.from({ length: end }, (_, i) => i);

/** A linear map of the last axis. */
export function linear(
  planner: MemoryPlanner,
  weights: PackedWeights,
  x: View,
  residual: View | undefined,
  features: number,
): View {
  const out = rowAlignedView([...x.dims.slice(0, -1), features]);
  const [input, other] = [
    withContiguousRows(planner, x),
    residual && withContiguousRows(planner, broadcastTo(residual, out.dims)),
  ];
  const axes = axesBefore(x.dims.length - 1);
  const [count, inputs] = [product(x.dims.slice(0, -1)), itemAt(x.dims, axes.length) * floatBytes];
  planner.add([input, other], [out], ({ kernels, address, table }) => {
    const [from, to, at, target] = [table(input, axes), table(out, axes), address(input), address(out)];
    const [added, residualOffsets] = other === undefined ? [0, 0] : [address(other), table(other, axes)];
    return () =>
      kernels.product(
        at,
        from,
        count,
        1,
        inputs,
        inputs,
        weights.at,
        weights.outputs,
        target,
        to,
        added,
        residualOffsets,
      );
  });
  return out;
}

/**
 * The matrix product over the last two axes.
 * @param out [..., M, L]
 */
export function matrixProduct(planner: MemoryPlanner, a: View, b: View, residual: View | undefined, out: View): void {
  const outer = out.dims.slice(0, -2);
  const rank = out.dims.length;
  const [rows, inputs, outputs] = [
    itemAt(out.dims, rank - 2),
    itemAt(a.dims, a.dims.length - 1),
    itemAt(out.dims, rank - 1),
  ];
  const left = withContiguousRows(planner, broadcastTo(a, [...outer, rows, inputs]));
  const right = broadcastTo(b, [...outer, inputs, outputs]);
  const other = residual && withContiguousRows(planner, broadcastTo(residual, out.dims));
  const panels = contiguousView([roundedUp(outputs) * (inputs + 2)]);
  const [along = 0, across = 0] = right.strides.slice(-2);
  planner.add([left, right, other], [out, panels], ({ kernels, address, table }) => {
    const packed = address(panels);
    const lengths = [inputs * floatBytes, inputs * floatBytes] as const;
    const steps = [across * floatBytes, 1, 0, inputs, along * floatBytes] as const;
    const axes = [rank - 2];
    const [from, to, residualOffsets] = [
      table(left, axes),
      table(out, axes),
      other === undefined ? 0 : table(other, axes),
    ];
    const each = indices(outer).map((index) => {
      const at = (view: View): number =>
        address(view) + floatBytes * index.reduce((sum, i, axis) => sum + i * itemAt(view.strides, axis), 0);
      return { matrix: at(right), row: at(left), target: at(out), added: other === undefined ? 0 : at(other) };
    });
    return () => {
      for (const { matrix, row, target, added } of each) {
        kernels.pack(matrix, ...steps, outputs, 0, 0, 0, packed);
        kernels.product(row, from, rows, 1, ...lengths, packed, roundedUp(outputs), target, to, added, residualOffsets);
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
  const axes = axesBefore(x.dims.length - 1);
  const [count, length] = [product(x.dims.slice(0, -1)), itemAt(x.dims, axes.length)];
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
