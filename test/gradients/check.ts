import { type Random, random } from '../../src/common/random.js';
import { elements, type Shape, type Tensor } from '../../src/graph/index.js';

/** The batch size that checks run with. */
export const batch = 3;

/** An input of a check: its shape, how its values are drawn, and whether its gradient is checked. */
export interface InputSpec {
  readonly shape: Shape;
  readonly draw: (r: Random) => number;
  readonly wanted: boolean;
}

const inputs =
  (draw: (r: Random) => number, wanted = true) =>
  (...shape: Shape): InputSpec => ({ shape, draw, wanted });

export const normal = inputs((r) => r.normal());
export const positive = inputs((r) => 0.5 + r.next());
/** Normal, but at least 0.2 from 0, where some functions have a kink. */
export const awayFromZero = inputs((r) => {
  const x = r.normal();
  return x + 0.2 * Math.sign(x);
});
/** Normal, but at least 0.1 from each of these numbers, where a function has a kink. */
export const clearOf = (...kinks: readonly number[]) =>
  inputs((r) => {
    let x = r.normal();
    while (kinks.some((kink) => Math.abs(x - kink) < 0.1)) x = r.normal();
    return x;
  });
/** Far from each other, where a function has a kink between equal values. */
export const farApart = inputs((r) => 100 * r.next() - 50);
/** Within 0.1 of zero. */
export const nearZero = inputs((r) => 0.2 * r.next() - 0.1);
export const fixed = (spec: InputSpec): InputSpec => ({ ...spec, wanted: false });

/** One function of some tensors whose gradients are compared with differences. */
export interface Check {
  readonly name: string;
  readonly inputs: readonly InputSpec[];
  readonly build: (tensors: readonly Tensor[]) => Tensor;
  /** The same function in plain float64, of elements in row-major order, for a batch of `batch`. */
  readonly reference: ((values: readonly Float64Array[]) => Float64Array) | undefined;
}

export function check<const S extends readonly InputSpec[]>(
  name: string,
  specs: S,
  build: (...tensors: { [K in keyof S]: Tensor }) => Tensor,
  reference?: (...values: { [K in keyof S]: Float64Array }) => Float64Array,
): Check {
  return {
    name,
    inputs: specs,
    build: (tensors) => build(...(tensors as unknown as { [K in keyof S]: Tensor })),
    reference: reference && ((values) => reference(...(values as unknown as { [K in keyof S]: Float64Array }))),
  };
}

/** The values of input `index` of a check; the same at every call. */
export function valuesOf({ name, inputs: specs }: Check, index: number): Float32Array {
  const spec = specs[index];
  if (spec === undefined) throw new Error(`${name} has no input ${index}`);
  const r = random(20, name, index);
  return Float32Array.from({ length: elements(spec.shape, batch) }, () => spec.draw(r));
}

/** Which elements of an array of `count` are checked: all of few, a sample of many that has the first and the last. */
export function sample(count: number): number[] {
  const most = 16;
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return [...new Set(Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1))))];
}
