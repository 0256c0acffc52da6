// What of a graph follows from its weights alone is computed once, before anything is run.

import { itemAt } from '../common/item-at.js';
import { valueAt } from '../common/typed-item.js';
import { elements, holds, isStatic, type Node, type Value } from '../graph/index.js';
import { attributesOf, relativePositionIndex } from '../ops/index.js';
import { UnsupportedError } from './unsupported.js';

/** An input of a node that is there. */
export function inputOf(node: Node, index: number): Value {
  const value = node.inputs[index];
  if (value === undefined) throw new UnsupportedError(`${node.op} without its input ${index}`);
  return value;
}

/** A tensor of numbers, row-major. */
export interface Constant {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/** The values of a graph that do not depend on its inputs. */
export class Constants {
  readonly #parameter: (name: string) => Float32Array;
  readonly #known = new Map<Value, boolean>();

  /** @param parameter the numbers of a parameter, by its name */
  constructor(parameter: (name: string) => Float32Array) {
    this.#parameter = parameter;
  }

  has(value: Value): boolean {
    let known = this.#known.get(value);
    if (known === undefined) {
      const { source } = value;
      known =
        source.kind === 'node'
          ? source.node.inputs.every((one) => one === undefined || this.has(one))
          : source.kind !== 'input';
      this.#known.set(value, known);
    }
    return known;
  }

  /**
   * Computed anew each time: weights are read once, and not kept.
   * @throws UnsupportedError where it takes an operation that is not known here
   */
  of(value: Value): Constant {
    const { source, shape } = value;
    if (value.dtype !== 'float32' || !isStatic(shape)) throw new UnsupportedError(`a constant of ${value.dtype}`);
    if (source.kind === 'parameter') return { dims: shape, values: this.#parameter(source.name) };
    if (source.kind === 'constant' && holds('float32', source.data)) return { dims: shape, values: source.data };
    if (source.kind !== 'node') throw new UnsupportedError('what is no constant');
    return { dims: shape, values: this.#computed(source.node, shape) };
  }

  #computed(node: Node, shape: readonly number[]): Float32Array {
    const compute = constantOperations.get(node.op);
    if (compute === undefined) throw new UnsupportedError(`${node.op} of constants`);
    return compute((index) => this.of(inputOf(node, index)), node, shape);
  }
}

type Compute = (input: (index: number) => Constant, node: Node, shape: readonly number[]) => Float32Array;

/** How constants are computed from constants: operations that have no entry are not known. */
export const constantOperations: ReadonlyMap<string, Compute> = new Map<string, Compute>([
  ['Reshape', (input) => input(0).values],
  [
    'Transpose',
    (input, node, shape) => {
      const x = input(0);
      const strides = rowMajor(x.dims);
      const steps = attributesOf('Transpose', node).perm.map((axis) => itemAt(strides, axis));
      return gathered(x.values, shape, steps, 0);
    },
  ],
  [
    'Slice',
    (input, node, shape) => {
      const x = input(0);
      const { axis, start, end, step } = attributesOf('Slice', node);
      const size = x.values.length / itemAt(x.dims, 0);
      if (axis === 0 && step === 1) return x.values.subarray(start * size, end * size);
      const strides = rowMajor(x.dims);
      const steps = strides.map((stride, i) => (i === axis ? stride * step : stride));
      return gathered(x.values, shape, steps, start * itemAt(strides, axis));
    },
  ],
  ['Mul', (input, _, shape) => combined(input(0), input(1), shape, (a, b) => a * b)],
  ['Add', (input, _, shape) => combined(input(0), input(1), shape, (a, b) => a + b)],
  ['RelativePositionBias', (input, node) => positionBias(input(0), attributesOf('RelativePositionBias', node).size)],
]);

/** Numbers from one element of each axis to the next. */
export function rowMajor(dims: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const dim of [...dims].reverse()) {
    strides.unshift(stride);
    stride *= dim;
  }
  return strides;
}

/** The numbers of a view, row-major. */
export function gathered(
  values: Float32Array,
  dims: readonly number[],
  strides: readonly number[],
  offset: number,
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(elements(dims));
  let to = 0;
  const walk = (axis: number, from: number): void => {
    if (axis === dims.length) {
      result[to++] = valueAt(values, from);
      return;
    }
    const [dim, stride] = [itemAt(dims, axis), itemAt(strides, axis)];
    if (axis < dims.length - 1) for (let i = 0; i < dim; i++) walk(axis + 1, from + i * stride);
    else for (let i = 0; i < dim; i++) result[to++] = valueAt(values, from + i * stride);
  };
  walk(0, offset);
  return result;
}

function combined(
  a: Constant,
  b: Constant,
  shape: readonly number[],
  by: (a: number, b: number) => number,
): Float32Array {
  if (b.values.length === 1) {
    const other = valueAt(b.values, 0);
    return a.values.map((value) => by(value, other));
  }
  const expanded = ({ dims, values }: Constant): Float32Array => {
    const strides = rowMajor(dims);
    const lacking = shape.length - dims.length;
    const steps = shape.map((_, i) => (i < lacking || dims[i - lacking] === 1 ? 0 : itemAt(strides, i - lacking)));
    return gathered(values, shape, steps, 0);
  };
  const [x, y] = [expanded(a), expanded(b)];
  return x.map((value, i) => by(value, valueAt(y, i)));
}

/** [rows, heads] -> [heads, tokens, tokens] */
function positionBias({ dims, values }: Constant, size: number): Float32Array {
  const heads = itemAt(dims, 1);
  const index = relativePositionIndex(size);
  const result = new Float32Array(heads * index.length);
  index.forEach((row, pair) => {
    for (let head = 0; head < heads; head++) result[head * index.length + pair] = valueAt(values, row * heads + head);
  });
  return result;
}
