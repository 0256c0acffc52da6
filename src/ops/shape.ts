import { itemAt } from '../common/item-at.js';
import {
  broadcast,
  concrete,
  constant,
  type Dim,
  type DType,
  dimOf,
  type FloatDType,
  fixedDim,
  formatShape,
  GraphError,
  isStatic,
  mapDims,
  type Node,
  product,
  type Shape,
  sameShape,
  type Tensor,
  type Value,
} from '../graph/index.js';
import { apply, applyOne, attributesOf, axisOf, floatOperand, type OperationTable, operand } from './operation.js';

export function int64s(values: readonly number[]): Value<'int64'> {
  return constant('int64', BigInt64Array.from(values, BigInt), [values.length]);
}

/** The same elements in another shape; at most one dimension depends on the batch size. */
export function reshape<D extends DType>(x: Value<D>, shape: Shape): Value<D> {
  if (product(x.shape) !== product(shape)) {
    throw new GraphError('Reshape', [x], `the elements do not fill ${formatShape(shape)}`);
  }
  if (sameShape(x.shape, shape)) return x;
  const symbolic = shape.filter((dim) => typeof dim !== 'number');
  if (symbolic.length > 1) throw new GraphError('Reshape', [x], `${formatShape(shape)} depends on the batch twice`);
  return applyOne('Reshape', [x, int64s(shape.map((dim) => (typeof dim === 'number' ? dim : -1)))], shape);
}

/** Axis i of the result is axis `perm[i]` of x. */
export function transpose<D extends DType>(x: Value<D>, perm: readonly number[]): Value<D> {
  if (perm.length !== x.shape.length || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
    throw new GraphError('Transpose', [x], `[${perm.join(', ')}] is not a permutation of the axes`);
  }
  if (perm.every((axis, i) => axis === i)) return x;
  return applyOne(
    'Transpose',
    [x],
    perm.map((axis) => dimOf(x, axis)),
    { perm },
  );
}

/** Swaps the last two axes. */
export function transposeLast<D extends DType>(x: Value<D>): Value<D> {
  const rank = x.shape.length;
  if (rank < 2) throw new GraphError('Transpose', [x], 'there are no two axes to swap');
  return transpose(x, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2]);
}

/** Joins tensors along an axis in which, alone, they may differ; that axis must not depend on the batch. */
export function concat<D extends DType>(parts: readonly Value<D>[], axis: number): Value<D> {
  const [first, ...others] = parts;
  if (first === undefined) throw new GraphError('Concat', [], 'nothing to join');
  const at = axisOf('Concat', first, axis);
  let total = 0;
  for (const part of parts) {
    const dim = part.shape[at];
    const rest =
      part.shape.length === first.shape.length && part.shape.every((d, i) => i === at || d === first.shape[i]);
    if (!rest || typeof dim !== 'number')
      throw new GraphError('Concat', parts, `the tensors do not join along axis ${at}`);
    total += dim;
  }
  return applyOne('Concat', [first, ...others], replaceDim(first.shape, at, total), { axis: at });
}

/** Elements `start`, `start + step`, ... below `end` of one axis; step is positive. */
export function slice<D extends DType>(x: Value<D>, axis: number, start: number, end: number, step = 1): Value<D> {
  const at = axisOf('Slice', x, axis);
  const dim = x.shape[at];
  const fits =
    typeof dim === 'number' &&
    [start, end, step].every(Number.isInteger) &&
    start >= 0 &&
    start < end &&
    end <= dim &&
    step >= 1;
  if (!fits) throw new GraphError('Slice', [x], `[${start}, ${end}) in steps of ${step} does not fit axis ${at}`);
  if (start === 0 && end === dim && step === 1) return x;
  const shape = replaceDim(x.shape, at, Math.ceil((end - start) / step));
  const bounds = [int64s([start]), int64s([end]), int64s([at]), int64s([step])];
  return applyOne('Slice', [x, ...bounds], shape, { axis: at, start, end, step });
}

/** Zeros before and after, by axis; none for axes beyond the end of a list. */
export function pad<D extends DType>(x: Value<D>, before: readonly number[], after: readonly number[]): Value<D> {
  const given = [...before, ...after];
  if (Math.max(before.length, after.length) > x.shape.length || given.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new GraphError(
      'Pad',
      [x],
      `[${before.join(', ')}] and [${after.join(', ')}] are not counts of zeros by axis`,
    );
  }
  const each = (list: readonly number[]): number[] => x.shape.map((_, i) => (i < list.length ? itemAt(list, i) : 0));
  const [starts, ends] = [each(before), each(after)];
  const shape = x.shape.map((dim, i) => {
    const grown = itemAt(starts, i) + itemAt(ends, i);
    if (grown === 0) return dim;
    if (typeof dim !== 'number') throw new GraphError('Pad', [x], 'the batch axis cannot be padded');
    return dim + grown;
  });
  if (sameShape(shape, x.shape)) return x;
  const pads = [...starts, ...ends];
  return applyOne('Pad', [x, int64s(pads)], shape, { pads });
}

/** Every `rows`th row and `columns`th column of x [N, C, H, W], from the first. */
export function subsample<D extends FloatDType>(x: Value<D>, rows: number, columns: number): Value<D> {
  const [n, c, height, width] = mapDims(x, 'Subsample');
  if (![rows, columns].every((step) => Number.isInteger(step) && step >= 1)) {
    throw new GraphError('Subsample', [x], `${rows} and ${columns} must be whole numbers from 1`);
  }
  if (rows === 1 && columns === 1) return x;
  const shape = [n, c, Math.ceil(height / rows), Math.ceil(width / columns)];
  return applyOne('Subsample', [x], shape, { strides: [rows, columns] });
}

/** x repeated to the shape of `like` (whose values are not read). */
export function expandAs<D extends DType>(x: Value<D>, like: Value<D>): Value<D> {
  const shape = broadcast(x.shape, like.shape);
  if (shape === undefined || !sameShape(shape, like.shape)) {
    throw new GraphError('ExpandAs', [x, like], 'the first does not broadcast to the second');
  }
  return sameShape(x.shape, shape) ? x : applyOne('ExpandAs', [x, like], shape);
}

/** Rows of a fixed axis by constant indices. */
export function gather<D extends DType>(
  x: Value<D>,
  indices: Int32Array,
  indexShape: readonly number[],
  axis: number,
): Value<D> {
  const at = axisOf('Gather', x, axis);
  const dim = x.shape[at];
  if (typeof dim !== 'number' || indices.some((index) => index < 0 || index >= dim)) {
    throw new GraphError('Gather', [x], `an index is outside axis ${at}`);
  }
  const shape = [...x.shape.slice(0, at), ...indexShape, ...x.shape.slice(at + 1)];
  return applyOne('Gather', [x, constant('int32', indices, indexShape)], shape, { axis: at });
}

/** 1 at (from, to) of each pair, else 0: a product with it picks or places elements of the last axis, exactly. */
export function placement(rows: number, columns: number, pairs: Iterable<readonly [number, number]>): Tensor {
  const data = new Float32Array(rows * columns);
  for (const [from, to] of pairs) data[from * columns + to] = 1;
  return constant('float32', data, [rows, columns]);
}

/** Puts `step - 1` zeros behind every element of an axis but the last, then pads with zeros to `size`. */
export function spread(x: Tensor, axis: number, step: number, size: number, start: number): Tensor {
  const dim = fixedDim(x, axis);
  if (axis === x.shape.length - 1) {
    // Of single elements, as a product: moving them one by one takes ten times as long.
    const pairs = Array.from({ length: dim }, (_, i) => [i, start + i * step] as const);
    return applyOne('MatMul', [x, placement(dim, size, pairs)], replaceDim(x.shape, axis, size));
  }
  const outer = rowsOf(x, 0, axis);
  const inner = rowsOf(x, axis + 1);
  let y = reshape(x, [rowsOf(x, 0, axis + 1), 1, inner]);
  y = reshape(pad(y, [0, 0, 0], [0, step - 1, 0]), [outer, dim * step, inner]);
  const keep = Math.min(dim * step, size - start);
  y = pad(slice(y, 1, 0, keep), [0, start, 0], [0, size - start - keep, 0]);
  return reshape(y, replaceDim(x.shape, axis, size));
}

/** Axes from `first` to before `end` as one. */
export function rowsOf(x: Value, first: number, end?: number): Dim {
  const count = product(x.shape.slice(first, end));
  if (count === undefined) throw new GraphError('Reshape', [x], 'the batch size occurs twice in the shape');
  return count;
}

function replaceDim(shape: Shape, axis: number, dim: Dim): Shape {
  return shape.map((d, i) => (i === axis ? dim : d));
}

function subsampling(node: Node): readonly [rows: number, columns: number] {
  const { strides } = attributesOf('Subsample', node);
  return [itemAt(strides, 0), itemAt(strides, 1)];
}

export const shaping = {
  Reshape: { gradient: ({ node, gradients: [dy] }) => [dy && reshape(dy, operand(node, 0).shape)], onnx: {} },
  Transpose: {
    gradient: ({ node, gradients: [dy] }) => {
      const { perm } = attributesOf('Transpose', node);
      return [
        dy &&
          transpose(
            dy,
            perm.map((_, i) => perm.indexOf(i)),
          ),
      ];
    },
    onnx: {},
  },
  Concat: {
    gradient: ({ node, gradients: [dy], wants }) => {
      const { axis } = attributesOf('Concat', node);
      let start = 0;
      return node.inputs.map((part, i) => {
        const end = start + fixedDim(part as Tensor, axis);
        const gradient = dy && wants[i] ? slice(dy, axis, start, end) : undefined;
        start = end;
        return gradient;
      });
    },
    onnx: {},
  },
  // The gradient of what was left out is zero.
  Slice: {
    gradient: ({ node, gradients: [dy] }) => {
      const x = operand(node, 0);
      const { axis, start, end, step } = attributesOf('Slice', node);
      if (!dy) return [];
      const size = fixedDim(x, axis);
      if (step > 1) return [spread(dy, axis, step, size, start)];
      const at = (n: number): number[] => x.shape.map((_, i) => (i === axis ? n : 0));
      return [pad(dy, at(start), at(size - end))];
    },
    onnx: { unwritten: ['axis', 'start', 'end', 'step'] },
  },
  Pad: {
    gradient: ({ node, gradients: [dy] }) => {
      if (!dy) return [];
      const { pads } = attributesOf('Pad', node);
      const { shape } = operand(node, 0);
      let dx = dy;
      shape.forEach((dim, axis) => {
        const start = itemAt(pads, axis);
        if (typeof dim === 'number') dx = slice(dx, axis, start, start + dim);
      });
      return [dx];
    },
    onnx: { unwritten: ['pads'] },
  },
  Subsample: {
    gradient: ({ node, gradients: [dy] }) => {
      if (!dy) return [];
      const [rows, columns] = subsampling(node);
      const [, , height, width] = mapDims(operand(node, 0));
      const inRows = columns > 1 ? spread(dy, 3, columns, width, 0) : dy;
      return [rows > 1 ? spread(inRows, 2, rows, height, 0) : inRows];
    },
    onnx: 'ours',
    // The largest of a single pixel, which the CPU takes in the blocked layout of the convolutions around it.
    lower: (node, { device }) => {
      const x = floatOperand(node, 0);
      const [rows, columns] = subsampling(node);
      const [, , height, width] = mapDims(x);
      if (device === 'webgpu') return [slice(slice(x, 2, 0, height, rows), 3, 0, width, columns)];
      return [
        applyOne('MaxPool', [x], itemAt(node.outputs, 0).shape, { kernel_shape: [1, 1], strides: [rows, columns] }),
      ];
    },
  },
  // The walk sums what was repeated.
  ExpandAs: {
    gradient: ({ gradients: [dy] }) => [dy],
    onnx: 'ours',
    lower: (node) => {
      const [x, like] = node.inputs;
      if (x === undefined || like === undefined) throw new Error('ExpandAs has two inputs');
      const shape = isStatic(like.shape)
        ? int64s(concrete(like.shape, 1))
        : apply('Shape', [like], {}, [{ dtype: 'int64', shape: [like.shape.length] }]).outputs[0];
      return [applyOne('Expand', [x, shape], like.shape)];
    },
  },
  Expand: { gradient: { none: 'only ExpandAs is differentiated; it becomes Expand afterwards' }, onnx: {} },
  Shape: { gradient: { none: 'a shape does not depend on the values' }, onnx: {} },
  Gather: { gradient: { none: 'only used on constants and by operations that have a rule of their own' }, onnx: {} },
} satisfies OperationTable;
