import {
  broadcast,
  concrete,
  constant,
  type Dim,
  formatShape,
  GraphError,
  int,
  ints,
  isStatic,
  product,
  type Shape,
  sameShape,
  type Tensor,
  type Value,
} from '../graph/index.js';
import { apply, applyOne, attributeInts, attributeNumber, axisOf, type OperationTable, operand } from './operation.js';

export function int64s(values: readonly number[]): Value<'int64'> {
  return constant('int64', BigInt64Array.from(values, BigInt), [values.length]);
}

/** The same elements in another shape; at most one dimension depends on the batch size. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (product(x.shape) !== product(shape)) {
    throw new GraphError('Reshape', [x], `the elements do not fill ${formatShape(shape)}`);
  }
  if (sameShape(x.shape, shape)) return x;
  const symbolic = shape.filter((dim) => typeof dim !== 'number');
  if (symbolic.length > 1) throw new GraphError('Reshape', [x], `${formatShape(shape)} depends on the batch twice`);
  return applyOne('Reshape', [x, int64s(shape.map((dim) => (typeof dim === 'number' ? dim : -1)))], shape);
}

/** Axis i of the result is axis `perm[i]` of x. */
export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  if (perm.length !== x.shape.length || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
    throw new GraphError('Transpose', [x], `[${perm.join(', ')}] is not a permutation of the axes`);
  }
  if (perm.every((axis, i) => axis === i)) return x;
  return applyOne(
    'Transpose',
    [x],
    perm.map((axis) => x.shape[axis] as Dim),
    { perm: ints(perm) },
  );
}

/** Swaps the last two axes. */
export function transposeLast(x: Tensor): Tensor {
  const perm = x.shape.map((_, i) => i);
  const [last, beforeLast] = [perm.pop() as number, perm.pop() as number];
  return transpose(x, [...perm, last, beforeLast]);
}

/** Joins tensors along an axis in which, alone, they may differ; that axis must not depend on the batch. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
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
  return applyOne('Concat', parts, replaceDim(first.shape, at, total), { axis: int(at) });
}

/** Elements `start`, `start + step`, ... below `end` of one axis; step is positive. */
export function slice(x: Tensor, axis: number, start: number, end: number, step = 1): Tensor {
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
  const inputs = [x, int64s([start]), int64s([end]), int64s([at]), int64s([step])];
  return applyOne('Slice', inputs, replaceDim(x.shape, at, Math.ceil((end - start) / step)), {
    axis: int(at),
    start: int(start),
    end: int(end),
    step: int(step),
  });
}

/** Zeros before and after, by axis. */
export function pad(x: Tensor, before: readonly number[], after: readonly number[]): Tensor {
  const given = [...before, ...after];
  if (Math.max(before.length, after.length) > x.shape.length || given.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new GraphError(
      'Pad',
      [x],
      `[${before.join(', ')}] and [${after.join(', ')}] are not counts of zeros by axis`,
    );
  }
  const shape = x.shape.map((dim, i) => {
    const grown = (before[i] ?? 0) + (after[i] ?? 0);
    if (grown === 0) return dim;
    if (typeof dim !== 'number') throw new GraphError('Pad', [x], 'the batch axis cannot be padded');
    return dim + grown;
  });
  if (sameShape(shape, x.shape)) return x;
  const all = [...x.shape.map((_, i) => before[i] ?? 0), ...x.shape.map((_, i) => after[i] ?? 0)];
  return applyOne('Pad', [x, int64s(all)], shape, { pads: ints(all) });
}

/** Every `rows`th row and `columns`th column of x [N, C, H, W], from the first. */
export function subsample(x: Tensor, rows: number, columns: number): Tensor {
  const [n, c, height, width] = x.shape;
  const whole = [rows, columns].every((step) => Number.isInteger(step) && step >= 1);
  if (x.shape.length !== 4 || typeof height !== 'number' || typeof width !== 'number' || !whole) {
    throw new GraphError('Subsample', [x], `x must be [N, C, H, W], and ${rows} and ${columns} whole numbers`);
  }
  if (rows === 1 && columns === 1) return x;
  const shape = [n as Dim, c as Dim, Math.ceil(height / rows), Math.ceil(width / columns)];
  return applyOne('Subsample', [x], shape, { strides: ints([rows, columns]) });
}

/** x repeated to the shape of `like` (whose values are not read). */
export function expandAs(x: Tensor, like: Tensor): Tensor {
  const shape = broadcast(x.shape, like.shape);
  if (shape === undefined || !sameShape(shape, like.shape)) {
    throw new GraphError('ExpandAs', [x, like], 'the first does not broadcast to the second');
  }
  return sameShape(x.shape, shape) ? x : applyOne('ExpandAs', [x, like], shape);
}

/** Rows of a fixed axis by constant indices. */
export function gather(x: Tensor, indices: Int32Array, indexShape: readonly number[], axis: number): Tensor {
  const at = axisOf('Gather', x, axis);
  const dim = x.shape[at];
  if (typeof dim !== 'number' || indices.some((index) => index < 0 || index >= dim)) {
    throw new GraphError('Gather', [x], `an index is outside axis ${at}`);
  }
  const shape = [...x.shape.slice(0, at), ...indexShape, ...x.shape.slice(at + 1)];
  return applyOne('Gather', [x, constant('int32', indices, indexShape)], shape, { axis: int(at) });
}

/** 1 at (from, to) of each pair, else 0: a product with it picks or places elements of the last axis, exactly. */
export function placement(rows: number, columns: number, pairs: Iterable<readonly [number, number]>): Tensor {
  const data = new Float32Array(rows * columns);
  for (const [from, to] of pairs) data[from * columns + to] = 1;
  return constant('float32', data, [rows, columns]);
}

/** Puts `step - 1` zeros behind every element of an axis but the last, then pads with zeros to `size`. */
function spread(x: Tensor, axis: number, step: number, size: number, start: number): Tensor {
  const dim = x.shape[axis] as number;
  if (axis === x.shape.length - 1) {
    // Of single elements, as a product: moving them one by one takes ten times as long.
    const pairs = Array.from({ length: dim }, (_, i) => [i, start + i * step] as const);
    return applyOne('MatMul', [x, placement(dim, size, pairs)], replaceDim(x.shape, axis, size));
  }
  const outer = product(x.shape.slice(0, axis)) as Dim;
  const inner = product(x.shape.slice(axis + 1)) as Dim;
  let y = reshape(x, [product([outer, dim]) as Dim, 1, inner]);
  y = reshape(pad(y, [0, 0, 0], [0, step - 1, 0]), [outer, dim * step, inner]);
  const keep = Math.min(dim * step, size - start);
  y = pad(slice(y, 1, 0, keep), [0, start, 0], [0, size - start - keep, 0]);
  return reshape(y, replaceDim(x.shape, axis, size));
}

function replaceDim(shape: Shape, axis: number, dim: Dim): Shape {
  return shape.map((d, i) => (i === axis ? dim : d));
}

export const shaping = {
  Reshape: { gradient: ({ node, gradients: [dy] }) => [dy && reshape(dy, operand(node, 0).shape)] },
  Transpose: {
    gradient: ({ node, gradients: [dy] }) => {
      const perm = attributeInts(node.attributes, 'perm');
      return [
        dy &&
          transpose(
            dy,
            perm.map((_, i) => perm.indexOf(i)),
          ),
      ];
    },
  },
  Concat: {
    gradient: ({ node, gradients: [dy], wants }) => {
      const axis = attributeNumber(node.attributes, 'axis');
      let start = 0;
      return node.inputs.map((part, i) => {
        const end = start + ((part as Tensor).shape[axis] as number);
        const gradient = dy && wants[i] ? slice(dy, axis, start, end) : undefined;
        start = end;
        return gradient;
      });
    },
  },
  // The gradient of what was left out is zero.
  Slice: {
    gradient: ({ node, gradients: [dy] }) => {
      const x = operand(node, 0);
      const [axis, start, end, step] = ['axis', 'start', 'end', 'step'].map((k) =>
        attributeNumber(node.attributes, k),
      ) as [number, number, number, number];
      if (!dy) return [];
      const size = x.shape[axis] as number;
      if (step > 1) return [spread(dy, axis, step, size, start)];
      const at = (n: number): number[] => x.shape.map((_, i) => (i === axis ? n : 0));
      return [pad(dy, at(start), at(size - end))];
    },
  },
  Pad: {
    gradient: ({ node, gradients: [dy] }) => {
      if (!dy) return [];
      const pads = attributeInts(node.attributes, 'pads');
      const { shape } = operand(node, 0);
      let dx = dy;
      shape.forEach((dim, axis) => {
        const start = pads[axis] ?? 0;
        if (typeof dim === 'number') dx = slice(dx, axis, start, start + dim);
      });
      return [dx];
    },
  },
  Subsample: {
    gradient: ({ node, gradients: [dy] }) => {
      if (!dy) return [];
      const [rows, columns] = attributeInts(node.attributes, 'strides') as [number, number];
      const [, , height, width] = operand(node, 0).shape as [Dim, Dim, number, number];
      const inRows = columns > 1 ? spread(dy, 3, columns, width, 0) : dy;
      return [rows > 1 ? spread(inRows, 2, rows, height, 0) : inRows];
    },
    // The largest of a single pixel, which the CPU takes in the blocked layout of the convolutions around it.
    lower: (node, target) => {
      const x = operand(node, 0);
      const strides = attributeInts(node.attributes, 'strides');
      const [rows, columns] = strides as [number, number];
      const [height, width] = x.shape.slice(2) as [number, number];
      if (target === 'webgpu') return [slice(slice(x, 2, 0, height, rows), 3, 0, width, columns)];
      const shape = node.outputs[0]?.shape ?? [];
      return [applyOne('MaxPool', [x], shape, { kernel_shape: ints([1, 1]), strides: ints(strides) })];
    },
  },
  // The walk sums what was repeated.
  ExpandAs: {
    gradient: ({ gradients: [dy] }) => [dy],
    lower: (node) => {
      const [x, like] = [operand(node, 0), operand(node, 1)];
      const shape = isStatic(like.shape)
        ? int64s(concrete(like.shape, 1))
        : apply('Shape', [like], {}, [{ dtype: 'int64', shape: [like.shape.length] }]).outputs[0];
      return [applyOne('Expand', [x, shape], like.shape)];
    },
  },
  Expand: { gradient: { none: 'only ExpandAs is differentiated; it becomes Expand afterwards' } },
  Shape: { gradient: { none: 'a shape does not depend on the values' } },
  Gather: { gradient: { none: 'only used on constants and by operations that have a rule of their own' } },
} satisfies OperationTable;
