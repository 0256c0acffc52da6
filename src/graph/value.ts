import { elements, formatShape, isShape, type Shape } from './dim.js';

/** The JavaScript array that holds elements of a dtype; of float16 their bits (see `common/half.ts`). */
export interface DTypeArrays {
  float32: Float32Array;
  float16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int32: Int32Array;
  int64: BigInt64Array;
  bool: Uint8Array;
}
export type DType = keyof DTypeArrays;
/** Dtypes that networks compute in. */
export type FloatDType = 'float32' | 'float16';

/** The constructors of {@link DTypeArrays}. */
export const arrayTypes = {
  float32: Float32Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const satisfies { readonly [D in DType]: { readonly BYTES_PER_ELEMENT: number } };

/** Whether an array is the kind that holds elements of a dtype. */
export function holds<D extends DType>(dtype: D, data: ArrayBufferView): data is DTypeArrays[D] {
  return data instanceof arrayTypes[dtype];
}

/** An attribute of a node, kept with the kind that ONNX stores it as. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] };
export type Attributes = Readonly<Record<string, Attribute>>;

export const int = (value: number): Attribute => ({ kind: 'int', value });
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });
export const float = (value: number): Attribute => ({ kind: 'float', value });
export const string = (value: string): Attribute => ({ kind: 'string', value });

/** An application of an operation. Nodes are immutable; a graph is whatever its outputs reach. */
export interface Node {
  readonly op: string;
  /** ONNX's optional inputs that are left out are `undefined`. */
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
}

export type Source =
  /** Fed at every run. */
  | { readonly kind: 'input'; readonly name: string }
  /** A trained or frozen weight, or a running statistic, known by its name in the checkpoint. */
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'constant'; readonly data: DTypeArrays[DType] }
  | { readonly kind: 'node'; readonly node: Node; readonly index: number };

/** A tensor in a graph: its dtype (also in its type, so that dtypes cannot be mixed), shape and where it comes from. */
export interface Value<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly source: Source;
}
export type Tensor = Value<'float32'>;

export function input<D extends DType>(name: string, dtype: D, shape: Shape): Value<D> {
  checkShape('input', name, shape);
  return { dtype, shape, source: { kind: 'input', name } };
}

export function parameter(name: string, shape: readonly number[]): Tensor;
export function parameter<D extends DType>(name: string, shape: readonly number[], dtype: D): Value<D>;
export function parameter(name: string, shape: readonly number[], dtype: DType = 'float32'): Value {
  checkShape('parameter', name, shape);
  return { dtype, shape, source: { kind: 'parameter', name } };
}

function checkShape(kind: string, name: string, shape: Shape): void {
  if (isShape(shape)) return;
  const rule = "dimensions must be positive integers, or multiples of the batch size such as 'N' and '49N'";
  throw new GraphError(`${kind} '${name}'`, [], `${formatShape(shape)} is not a shape: ${rule}`);
}

export function constant<D extends DType>(dtype: D, data: DTypeArrays[D], shape: readonly number[]): Value<D> {
  if (elements(shape) !== data.length) {
    throw new GraphError('constant', [], `${data.length} elements do not fill the shape ${formatShape(shape)}`);
  }
  return { dtype, shape, source: { kind: 'constant', data } };
}

export interface TensorType<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
}

/** Applies an operation; the caller has checked that the inputs fit and knows what comes out. */
export function apply(
  op: string,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes,
  types: readonly TensorType[],
): Node {
  const outputs: Value[] = [];
  const node: Node = { op, inputs, attributes, outputs };
  types.forEach((type, index) => {
    outputs.push({ ...type, source: { kind: 'node', node, index } });
  });
  return node;
}

/** An operation was given tensors it cannot take. Names the operation, the shapes it saw and the rule they break. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
  constructor(op: string, inputs: readonly (Value | undefined)[], rule: string) {
    const types = inputs.map((value) => (value ? `${value.dtype}${formatShape(value.shape)}` : 'none')).join(', ');
    super(types === '' ? `${op}: ${rule}` : `${op}(${types}): ${rule}`);
  }
}
