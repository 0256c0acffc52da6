import { constant, dimOf, elements, isStatic, type Shape, type Tensor, type Value } from '../graph/index.js';
import { div, mul, type NumberDType } from './elementwise.js';
import { applyOne, attributesOf, axisOf, type OperationTable, operand } from './operation.js';
import { expandAs, int64s, reshape, rowsOf, slice } from './shape.js';

function reduce<D extends NumberDType>(
  op: 'ReduceSum' | 'ReduceMean' | 'ReduceMax',
  x: Value<D>,
  axes: readonly number[],
  keepDims: boolean,
): Value<D> {
  const at = [...new Set(axes.map((axis) => axisOf(op, x, axis)))].sort((a, b) => a - b);
  // ONNX takes no axes for all axes; here they mean none.
  if (at.length === 0) return x;
  const kept = x.shape.map((dim, i) => (at.includes(i) ? 1 : dim));
  const shape = keepDims ? kept : x.shape.filter((_, i) => !at.includes(i));
  return applyOne(op, [x, int64s(at)], shape, { keepdims: keepDims ? 1 : 0, axes: at });
}

/** The sum over axes. Sums of many elements should go axis by axis: float32 loses digits in one long run. */
export const reduceSum = <D extends NumberDType>(x: Value<D>, axes: readonly number[], keepDims = false): Value<D> =>
  reduce('ReduceSum', x, axes, keepDims);
export const reduceMean = <D extends NumberDType>(x: Value<D>, axes: readonly number[], keepDims = false): Value<D> =>
  reduce('ReduceMean', x, axes, keepDims);
export const reduceMax = <D extends NumberDType>(x: Value<D>, axes: readonly number[], keepDims = false): Value<D> =>
  reduce('ReduceMax', x, axes, keepDims);

/** The number of elements that the axes of x hold, as a scalar: a constant, or counted at run time over the batch axis. */
export function countOf(x: Tensor, axes: readonly number[]): Tensor {
  const dims = axes.map((axis) => dimOf(x, axis));
  if (isStatic(dims)) return constant('float32', Float32Array.of(elements(dims)), []);
  let slim = x;
  x.shape.forEach((dim, axis) => {
    if (typeof dim === 'number') slim = slice(slim, axis, 0, 1);
  });
  const one = constant('float32', Float32Array.of(1), []);
  const batch = reduceSum(reshape(expandAs(one, slim), [rowsOf(slim, 0)]), [0]);
  const rest = elements(dims.map((dim) => (typeof dim === 'number' ? dim : 1)));
  const multiple = slim.shape.length > 0 && rest === 1 ? batch : mul(batch, rest);
  return multiple;
}

/** Sums a gradient down to the shape of the tensor that was broadcast: the one place where broadcasting is undone. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  const extra = x.shape.length - shape.length;
  const axes = x.shape.map((_, i) => i).filter((i) => i < extra || (shape[i - extra] === 1 && x.shape[i] !== 1));
  let y = x;
  // Innermost runs first: they are contiguous, and sums in steps keep float32's digits.
  const runs = contiguousRuns(axes).reverse();
  for (const run of runs) y = reduceSum(y, run, true);
  return reshape(y, shape);
}

function contiguousRuns(axes: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const axis of axes) {
    const last = runs.at(-1);
    if (last !== undefined && last.at(-1) === axis - 1 && axis !== 1) last.push(axis);
    else runs.push([axis]);
  }
  return runs;
}

/** The reduced gradient with the removed axes put back as 1, so that it broadcasts against x. */
function unreduced(dy: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return reshape(
    dy,
    x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim)),
  );
}

export const reductions = {
  // Every summand gets the sum's gradient.
  ReduceSum: {
    gradient: ({ node, gradients: [dy] }) => {
      const x = operand(node, 0);
      return [dy && expandAs(unreduced(dy, x, attributesOf('ReduceSum', node).axes), x)];
    },
    onnx: { unwritten: ['axes'] },
  },
  ReduceMean: {
    gradient: ({ node, gradients: [dy] }) => {
      if (!dy) return [];
      const x = operand(node, 0);
      const { axes } = attributesOf('ReduceMean', node);
      return [expandAs(div(unreduced(dy, x, axes), countOf(x, axes)), x)];
    },
    onnx: { since: 18, unwritten: ['axes'] },
  },
  ReduceMax: {
    gradient: { none: 'used only to keep exponentials in range, where its gradient cancels' },
    onnx: { since: 18, unwritten: ['axes'] },
  },
} satisfies OperationTable;
