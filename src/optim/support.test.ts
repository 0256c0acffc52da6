import fc from 'fast-check';
import { allocate, gather, type Layout, views } from './index.js';

/** Shapes of a few small tensors, scalars and empty ones among them. */
export const shapes = fc
  .array(fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }), { minLength: 1, maxLength: 6 })
  .map((list) => new Map(list.map((shape, i) => [`p${i}`, shape])));

/** A flat array of the layout and the same values by name, both from one generator. */
export function filled(layout: Layout, next: () => number): { flat: Float32Array; named: Map<string, Float32Array> } {
  const flat = allocate(layout);
  const named = new Map([...views(layout, flat)].map(([name, values]) => [name, values.map(next)]));
  gather(layout, named, flat);
  return { flat, named };
}

/** A small generator, so that a test can fill arrays of any size from one number. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
