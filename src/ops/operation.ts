import {
  type Attribute,
  type Attributes,
  apply as applyAny,
  GraphError,
  type Node,
  normalizeAxis,
  type Tensor,
  type TensorType,
  type Value,
} from '../graph/index.js';
import type { OperationName } from './names.js';

/**
 * Where a graph will run: some operations are built from different pieces on each. `nchw8c` and `nchw16c` are processors
 * on which ONNX Runtime has convolutions over blocks of so many channels (blocked-convolution.ts).
 */
export type Target = 'cpu' | 'cpu-nchw8c' | 'cpu-nchw16c' | 'webgpu';

/**
 * What a gradient rule sees: dL/d(output) for each output (undefined where nothing depends on it) and which inputs
 * are wanted, so that nothing is built for frozen ones.
 */
export interface GradientContext {
  readonly node: Node;
  readonly gradients: readonly (Tensor | undefined)[];
  readonly wants: readonly boolean[];
}

/**
 * Returns dL/d(input) for each input, or undefined where it is zero or not wanted. It may have the broadcast shape of
 * the output: the walk sums it to the input's shape.
 */
export type GradientRule = (context: GradientContext) => readonly (Tensor | undefined)[];

export interface Operation {
  /** The rule, or the reason why there is none. */
  readonly gradient: GradientRule | { readonly none: string };
  /**
   * For an operation that ONNX does not have, or that other operations do faster on a target: its outputs from those;
   * undefined leaves the node as it is.
   */
  readonly lower?: (node: Node, target: Target) => readonly Value[] | undefined;
}

/** The rules of one family of operations. */
export type OperationTable = Readonly<Partial<Record<OperationName, Operation>>>;

/** Applies an operation of the table: the graph's own `apply`, which takes any name, kept to the names that exist. */
export function apply(
  op: OperationName,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes,
  types: readonly TensorType[],
): Node {
  return applyAny(op, inputs, attributes, types);
}

/** Applies an operation with one float32 output. */
export function applyOne(
  op: OperationName,
  inputs: readonly (Value | undefined)[],
  shape: TensorType['shape'],
  attributes: Attributes = {},
): Tensor {
  return output(apply(op, inputs, attributes, [{ dtype: 'float32', shape }]), 0);
}

/** An axis of x in [-rank, rank) as one in [0, rank). */
export function axisOf(op: OperationName, x: Tensor, axis: number): number {
  try {
    return normalizeAxis(axis, x.shape.length);
  } catch (error) {
    throw new GraphError(op, [x], (error as Error).message);
  }
}

/** Output `index` of a node, as float32. */
export function output(node: Node, index: number): Tensor {
  return asTensor(node.outputs[index], `output ${index} of ${node.op}`);
}

/** Input `index` of a node, as float32. */
export function operand(node: Node, index: number): Tensor {
  return asTensor(node.inputs[index], `input ${index} of ${node.op}`);
}

function asTensor(value: Value | undefined, what: string): Tensor {
  if (value?.dtype !== 'float32') throw new Error(`${what} is not a float32 tensor`);
  return value as Tensor;
}

export function attributeInts(attributes: Attributes, name: string): readonly number[] {
  const attribute = wanted(attributes, name);
  if (attribute.kind !== 'ints') throw new Error(`attribute '${name}' holds ${attribute.kind}, not ints`);
  return attribute.value;
}

export function attributeNumber(attributes: Attributes, name: string): number {
  const attribute = wanted(attributes, name);
  if (typeof attribute.value !== 'number') throw new Error(`attribute '${name}' holds ${attribute.kind}, not a number`);
  return attribute.value;
}

function wanted(attributes: Attributes, name: string): Attribute {
  const attribute = attributes[name];
  if (attribute === undefined) throw new Error(`attribute '${name}' is missing`);
  return attribute;
}
