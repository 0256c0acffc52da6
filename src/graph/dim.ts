import { itemAt } from '../common/item-at.js';

/**
 * A dimension: a number, or a multiple of the batch size `N` that is known only when the graph runs (`'N'`, `'49N'`).
 * One symbol is enough for a network over pictures, and keeps every shape rule decidable when the graph is built.
 */
export type BatchDim = 'N' | `${number}N`;
export type Dim = number | BatchDim;
export type Shape = readonly Dim[];

/** How many times the batch size a dimension is. */
const multiple = (dim: BatchDim): number => (dim === 'N' ? 1 : Number(dim.slice(0, -1)));

/** Whether every dimension is a positive integer, or the batch size times one, written in the one way that compares. */
export function isShape(shape: Shape): boolean {
  return shape.every((dim) => {
    const count = typeof dim === 'number' ? dim : multiple(dim);
    if (!Number.isSafeInteger(count) || count < 1) return false;
    return typeof dim === 'number' || dim === batchDim(count);
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
    if (typeof dim === 'number') {
      count *= dim;
    } else {
      if (symbolic) return undefined;
      symbolic = true;
      count *= multiple(dim);
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
  return shape.map((dim) => (typeof dim === 'number' ? dim : multiple(dim) * n));
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

/** Dimension i of a shape that is aligned at its end with one of `rank` axes: axes that it lacks are 1. */
function alignedDim(shape: Shape, rank: number, i: number): Dim {
  const at = shape.length - rank + i;
  return at < 0 ? 1 : itemAt(shape, at);
}

/** NumPy's broadcasting rule; undefined when the shapes do not fit. */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const [x, y] = [alignedDim(a, rank, i), alignedDim(b, rank, i)];
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
