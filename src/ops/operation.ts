import {
  type Attribute,
  type Attributes,
  apply as applyAny,
  type DType,
  type FloatDType,
  GraphError,
  type Node,
  normalizeAxis,
  type Tensor,
  type TensorType,
  type Value,
} from '../graph/index.js';
import {
  type AttributeValues,
  accepts,
  type Declared,
  declarations,
  dtypesOf,
  type OperationName,
} from './signatures.js';

export type Device = 'cpu' | 'webgpu';

/** Where a graph will run: some operations are built from different pieces on each device. */
export interface Target {
  readonly device: Device;
  /** Channels in a block, of a processor on which ONNX Runtime has convolutions over blocks (blocked-convolution.ts). */
  readonly channelBlock?: 8 | 16;
}

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

/** How ONNX has an operation. */
export interface OnnxForm<AttributeName extends string = string> {
  /** The first opset that has it in the form written here; without, every opset that can be written. */
  readonly since?: number;
  /** The same in operations that opsets before `since` have. */
  readonly before?: (node: Node) => readonly Value[];
  /** Attributes that rules keep for themselves: ONNX has these as inputs, or not at all. */
  readonly unwritten?: readonly AttributeName[];
  /** An operator of ONNX Runtime that is not ONNX's. */
  readonly foreign?: { readonly domain: string; readonly opType: string };
}

type Lowering<Result> = (node: Node, target: Target) => Result;

export type Operation<AttributeName extends string = string> = {
  /** The rule, or the reason why there is none. */
  readonly gradient: GradientRule | { readonly none: string };
} & (
  | {
      /** ONNX does not have it. */
      readonly onnx: 'ours';
      /** Its outputs from other operations, for every target. */
      readonly lower: Lowering<readonly Value[]>;
    }
  | {
      readonly onnx: OnnxForm<AttributeName>;
      /** The same where other operations are faster; undefined leaves the node as it is. */
      readonly lower?: Lowering<readonly Value[] | undefined>;
    }
);

/** The rules of one family of operations. */
export type OperationTable = {
  readonly [Op in OperationName]?: Operation<keyof AttributeValues<Op> & string>;
};

/**
 * Applies an operation of the table: the graph's own `apply`, which takes any name, kept to the names, attributes and
 * dtypes that exist.
 * @throws GraphError where an input has a dtype that the operation does not take.
 */
export function apply<Op extends OperationName>(
  op: Op,
  inputs: readonly (Value | undefined)[],
  attributes: AttributeValues<Op>,
  types: readonly TensorType[],
): Node {
  checkInputs(op, inputs);
  return applyAny(op, inputs, attributesFrom(op, attributes), types);
}

/** Applies an operation with one output, of the first input's dtype. */
export function applyOne<Op extends OperationName, D extends DType>(
  op: Op,
  inputs: readonly [Value<D>, ...(Value | undefined)[]],
  shape: TensorType['shape'],
  ...[attributes]: Record<never, never> extends AttributeValues<Op> ? [AttributeValues<Op>?] : [AttributeValues<Op>]
): Value<D> {
  const [{ dtype }] = inputs;
  const node = apply(op, inputs, (attributes ?? {}) as AttributeValues<Op>, [{ dtype, shape }]);
  return node.outputs[0] as Value<D>;
}

/** What is declared for each input that is given, at its position. */
function inputsOf(op: OperationName, count: number): readonly Declared<string>[] {
  const { inputs } = declarations[op];
  const last = inputs.at(-1);
  return last?.repeated ? [...inputs, ...Array<typeof last>(Math.max(0, count - inputs.length)).fill(last)] : inputs;
}

function checkInputs(op: OperationName, inputs: readonly (Value | undefined)[]): void {
  const expected = inputsOf(op, inputs.length) as (typeof declarations)[OperationName]['inputs'];
  if (inputs.length > expected.length) throw new GraphError(op, inputs, `it has ${expected.length} inputs at most`);
  const first = new Map<string, { readonly name: string; readonly dtype: DType }>();
  expected.forEach(({ name, kind, optional }, i) => {
    const value = inputs[i];
    if (value === undefined) {
      if (!optional) throw new GraphError(op, inputs, `its input '${name}' is missing`);
      return;
    }
    const { dtype } = value;
    if (!accepts(kind, dtype)) {
      throw new GraphError(op, inputs, `'${name}' must be ${dtypesOf(kind).join(' or ')}, not ${dtype}`);
    }
    const other = first.get(kind);
    if (other === undefined) first.set(kind, { name, dtype });
    else if (other.dtype !== dtype) {
      throw new GraphError(op, inputs, `'${other.name}' and '${name}' must have one dtype: convert one of them`);
    }
  });
}

function attributesFrom(op: OperationName, values: Readonly<Record<string, unknown>>): Attributes {
  const { attributes } = declarations[op];
  const made: Record<string, Attribute> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const kind = attributes.find((attribute) => attribute.name === name)?.kind;
    if (kind === undefined) throw new Error(`${op} has no attribute '${name}'`);
    made[name] = { kind, value } as Attribute;
  }
  const missing = attributes.find(({ name, optional }) => !optional && made[name] === undefined);
  if (missing !== undefined) throw new Error(`the attribute '${missing.name}' of ${op} is missing`);
  return made;
}

/** The attributes of a node of an operation, as they were given to `apply`. */
export function attributesOf<Op extends OperationName>(op: Op, node: Node): AttributeValues<Op> {
  if (node.op !== op) throw new Error(`a ${node.op} was taken for a ${op}`);
  const values = Object.entries(node.attributes).map(([name, { value }]) => [name, value]);
  // Nodes are made by `apply`, which has checked them.
  return Object.fromEntries(values) as AttributeValues<Op>;
}

/** An axis of x in [-rank, rank) as one in [0, rank). */
export function axisOf(op: OperationName, x: Value, axis: number): number {
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

/** Input `index` of a node, in whichever dtype of floating point it is: for lowerings, which keep it. */
export function floatOperand(node: Node, index: number): Value<FloatDType> {
  const value = node.inputs[index];
  if (value?.dtype !== 'float32' && value?.dtype !== 'float16') {
    throw new Error(`input ${index} of ${node.op} is not of floating point`);
  }
  return value as Value<FloatDType>;
}

/** Input `index` of a node, as float32: for gradients, which are computed in it. */
export function operand(node: Node, index: number): Tensor {
  return asTensor(node.inputs[index], `input ${index} of ${node.op}`);
}

function asTensor(value: Value | undefined, what: string): Tensor {
  if (value?.dtype !== 'float32') throw new Error(`${what} is not a float32 tensor`);
  return value as Tensor;
}
