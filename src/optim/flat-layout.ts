/**
 * A flat parameter space: all tensors of a network in one Float32Array, so that an optimizer is one loop, a copy is
 * one `set`, and an all-reduce across machines is one call. Parameters, optimizer moments and averages share a layout.
 */
import { itemAt } from '../common/item-at.js';
import { elements } from '../graph/index.js';

/** Every tensor begins at a multiple of this many floats (64 bytes, a cache line and an AVX-512 register). */
export const alignment = 16;

/** Where each tensor lies in a flat array. Index i of every list is the same tensor. */
export interface Layout {
  readonly names: readonly string[];
  readonly shapes: readonly (readonly number[])[];
  /** First element of each tensor, in floats. */
  readonly offsets: readonly number[];
  /** Elements of each tensor, in floats, without padding. */
  readonly sizes: readonly number[];
  /** Length of the flat array, in floats, with padding. */
  readonly total: number;
}

/** Gradients as they arrive: a tensor each (outputs of a graph), or already flat over the layout. Neither is copied. */
export type Gradients = Float32Array | ReadonlyMap<string, Float32Array>;

/** Lays tensors out one after another in the order of the map. A scalar's shape is `[]`; empty tensors are allowed. */
export function flatten(shapes: ReadonlyMap<string, readonly number[]>): Layout {
  const names: string[] = [];
  const kept: (readonly number[])[] = [];
  const offsets: number[] = [];
  const sizes: number[] = [];
  let total = 0;
  for (const [name, shape] of shapes) {
    const size = elements(shape);
    if (!shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0) || !Number.isSafeInteger(size)) {
      throw new RangeError(`the shape [${shape.join(', ')}] of ${name} is not a list of whole numbers >= 0`);
    }
    names.push(name);
    kept.push([...shape]);
    offsets.push(total);
    sizes.push(size);
    total += Math.ceil(size / alignment) * alignment;
  }
  return { names, shapes: kept, offsets, sizes, total };
}

/** A flat array of zeros over `layout`. */
export function allocate(layout: Layout): Float32Array<ArrayBuffer> {
  return new Float32Array(layout.total);
}

/** The tensors of a flat array, by name, as views on its memory: what is written to one is seen in the other. */
export function views<Buffer extends ArrayBufferLike>(
  layout: Layout,
  flat: Float32Array<Buffer>,
): Map<string, Float32Array<Buffer>> {
  checkLength(layout, flat, 'flat array');
  const result = new Map<string, Float32Array<Buffer>>();
  layout.names.forEach((name, index) => {
    const offset = itemAt(layout.offsets, index);
    result.set(name, flat.subarray(offset, offset + itemAt(layout.sizes, index)));
  });
  return result;
}

/** Copies tensors into a flat array, names of no tensor in the layout ignored; an Error where one is missing. */
export function gather(layout: Layout, tensors: ReadonlyMap<string, Float32Array>, flat: Float32Array): void {
  const sources = tensorsOf(layout, tensors);
  tensorsOf(layout, flat).forEach((target, index) => {
    target.set(partOf(sources, index));
  });
}

/**
 * The tensors of a flat array, or tensors given by name, in the layout's order and without copying. All is checked before
 * anything is returned, so that an update never stops half way: an Error names a tensor that is missing or has the wrong
 * number of elements.
 */
export function tensorsOf(layout: Layout, values: Gradients): Float32Array[] {
  if (values instanceof Float32Array) return [...views(layout, values).values()];
  return layout.names.map((name, index) => {
    const tensor = values.get(name);
    const size = itemAt(layout.sizes, index);
    if (tensor === undefined) throw new Error(`no values for ${name}`);
    if (tensor.length !== size) {
      throw new Error(`${name} has ${size} elements, but ${tensor.length} values were given for it`);
    }
    return tensor;
  });
}

/**
 * sum += weight * gradients, in place: gradients of micro-batches into that of the batch. `sum` is flat over the
 * layout. With weights (images in the micro-batch / images in the batch) the sum is the gradient of the batch's mean.
 */
export function accumulate(layout: Layout, sum: Float32Array, gradients: Gradients, weight: number): void {
  const parts = tensorsOf(layout, gradients);
  tensorsOf(layout, sum).forEach((tensor, index) => {
    addScaled(tensor, tensor, partOf(parts, index), weight);
  });
}

/** target = values + weight * direction, element by element; target may be values. */
export function addScaled(target: Float32Array, values: Float32Array, direction: Float32Array, weight: number): void {
  const size = target.length;
  for (let i = 0; i < size; i++) target[i] = (values[i] as number) + weight * (direction[i] as number);
}

/** Tensor `index` of a list made by `tensorsOf`. */
export function partOf(tensors: readonly Float32Array[], index: number): Float32Array {
  return itemAt(tensors, index);
}

/** An Error unless `flat` is as long as the layout asks. */
export function checkLength(layout: Layout, flat: Float32Array, what: string): void {
  if (flat.length !== layout.total) {
    throw new Error(`the ${what} has ${flat.length} elements, its layout ${layout.total}`);
  }
}
