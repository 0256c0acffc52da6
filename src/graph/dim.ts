/**
 * A dimension: a number, or a multiple of the batch size `N` that is known only when the graph runs (`'N'`, `'49N'`).
 * One symbol is enough for a network over pictures, and keeps every shape rule decidable when the graph is built.
 */
export type BatchDim = 'N' | `${number}N`;
export type Dim = number | BatchDim;
export type Shape = readonly Dim[];

/** How many times the batch size a dimension is; undefined for a fixed one. */
function multiple(dim: Dim): number | undefined {
  if (typeof dim === 'number') return undefined;
  return dim === 'N' ? 1 : Number(dim.slice(0, -1));
}

/** Whether every dimension is a positive integer, or the batch size times one, written in the one way that compares. */
export function isShape(shape: Shape): boolean {
  return shape.every((dim) => {
    const count = multiple(dim) ?? dim;
    if (!Number.isSafeInteger(count) || Number(count) < 1) return false;
    return typeof dim === 'number' || dim === batchDim(Number(count));
  });
}

export function batchDim(times: number): BatchDim {
  return times === 1 ? 'N' : `${times}N`;
}

/** The product of dimensions; undefined when it would need N squared. */
export function product(dims: Shape): Dim | undefined {
  let count = 1;
  let symbolic = false;
  for (const dim of dims) {
    const times = multiple(dim);
    if (times === undefined) {
      count *= dim as number;
    } else {
      if (symbolic) return undefined;
      symbolic = true;
      count *= times;
    }
  }
  return symbolic && count !== 0 ? batchDim(count) : count;
}

/** The number of elements of a shape for a batch of `n`. */
export function elements(shape: Shape, n = 1): number {
  return concrete(shape, n).reduce((a, b) => a * b, 1);
}

/** The shape for a batch of `n`. */
export function concrete(shape: Shape, n: number): number[] {
  return shape.map((dim) => (typeof dim === 'number' ? dim : (multiple(dim) ?? 1) * n));
}

export function isStatic(shape: Shape): shape is readonly number[] {
  return shape.every((dim) => typeof dim === 'number');
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** NumPy's broadcasting rule; undefined when the shapes do not fit. */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out.push(x === 1 ? y : x);
  }
  return out;
}

/** An axis in [-rank, rank) as one in [0, rank). */
export function normalizeAxis(axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new RangeError(`axis ${axis} does not exist in a tensor of rank ${rank}`);
  }
  return axis < 0 ? axis + rank : axis;
}
