import type { Attribute, DType } from '../graph/index.js';

/** The dtypes that an input may have. Inputs of one kind have one dtype in one node. */
const kinds = {
  float: ['float32', 'float16'],
  float32: ['float32'],
  /** What arithmetic is done in: ONNX Runtime has no kernels for sums of eight bits. */
  number: ['float32', 'float16', 'int32', 'int64'],
  any: ['float32', 'float16', 'int8', 'uint8', 'int32', 'int64', 'bool'],
  quantized: ['int8', 'uint8'],
  bool: ['bool'],
  int64: ['int64'],
  index: ['int32', 'int64'],
} as const satisfies Record<string, readonly DType[]>;
type InputKind = keyof typeof kinds;

/** What a node of an operation holds, in ONNX's order and under ONNX's names. */
interface Signature {
  /** `name?` may be left out, `...name` stands for one or more. */
  readonly inputs: Readonly<Record<string, InputKind>>;
  /** `name?` may be left out. */
  readonly attributes: Readonly<Record<string, Attribute['kind']>>;
}

const unary = { inputs: { x: 'float' }, attributes: {} } as const;
const binary = { inputs: { a: 'number', b: 'number' }, attributes: {} } as const;
const reduction = { inputs: { x: 'number', axes: 'int64' }, attributes: { keepdims: 'int', axes: 'ints' } } as const;
const window = { strides: 'ints', pads: 'ints', kernel_shape: 'ints', group: 'int' } as const;
const convolution = { ...window, 'fixed?': 'int' } as const;

/**
 * Every operation that a graph may hold, by the name ONNX gives it; those marked as ours are lowered to ONNX's before
 * a graph is written. The table of rules is total over this list by type, and only these names can be applied, with these
 * attributes: a typo or a missing rule does not compile.
 */
export const signatures = {
  // elementwise.ts
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Min: binary,
  Neg: { inputs: { x: 'number' }, attributes: {} },
  Exp: unary,
  Log: unary,
  Sqrt: unary,
  Reciprocal: unary,
  Erf: unary,
  Floor: unary,
  Sigmoid: unary,
  Relu: unary,
  Gelu: unary,
  PRelu: { inputs: { x: 'float', slope: 'float' }, attributes: { fixed: 'int', 'atMostOne?': 'int' } },
  Where: { inputs: { condition: 'bool', yes: 'number', no: 'number' }, attributes: {} },
  Greater: binary,
  Identity: { inputs: { x: 'any' }, attributes: {} },
  Clip: { inputs: { x: 'number', 'min?': 'number', max: 'number' }, attributes: {} },
  Step: unary, // ours
  HardSigmoid: { inputs: { x: 'float' }, attributes: { alpha: 'float', beta: 'float' } },
  // conversion.ts
  Cast: { inputs: { x: 'any' }, attributes: { to: 'int' } },
  QuantizeLinear: { inputs: { x: 'float', scale: 'float', zeroPoint: 'quantized' }, attributes: { 'axis?': 'int' } },
  DequantizeLinear: {
    inputs: { x: 'quantized', scale: 'float', zeroPoint: 'quantized' },
    attributes: { 'axis?': 'int' },
  },
  // shape.ts
  Reshape: { inputs: { x: 'any', shape: 'int64' }, attributes: {} },
  Transpose: { inputs: { x: 'any' }, attributes: { perm: 'ints' } },
  Concat: { inputs: { '...parts': 'any' }, attributes: { axis: 'int' } },
  Slice: {
    inputs: { x: 'any', starts: 'int64', ends: 'int64', axes: 'int64', steps: 'int64' },
    attributes: { axis: 'int', start: 'int', end: 'int', step: 'int' },
  },
  Pad: { inputs: { x: 'any', pads: 'int64' }, attributes: { pads: 'ints' } },
  ExpandAs: { inputs: { x: 'any', like: 'any' }, attributes: {} }, // ours
  Expand: { inputs: { x: 'any', shape: 'int64' }, attributes: {} },
  Shape: { inputs: { x: 'any' }, attributes: {} },
  Gather: { inputs: { x: 'any', indices: 'index' }, attributes: { axis: 'int' } },
  Subsample: { inputs: { x: 'float' }, attributes: { strides: 'ints' } }, // ours
  // map.ts
  MaxPool: { inputs: { x: 'float' }, attributes: { kernel_shape: 'ints', strides: 'ints', 'pads?': 'ints' } },
  Resize: {
    inputs: { x: 'float', 'roi?': 'float32', scales: 'float32' },
    attributes: { mode: 'string', coordinate_transformation_mode: 'string' },
  },
  // reduce.ts
  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
  // linear.ts
  MatMul: binary,
  Linear: { inputs: { x: 'float', weight: 'float', 'bias?': 'float' }, attributes: {} }, // ours
  Gemm: {
    inputs: { x: 'float', weight: 'float', 'bias?': 'float' },
    attributes: { 'transA?': 'int', transB: 'int' },
  },
  // convolution.ts
  Conv: { inputs: { x: 'float', weight: 'float', 'bias?': 'float' }, attributes: convolution },
  ConvInputGradient: { inputs: { dy: 'float', weight: 'float' }, attributes: convolution }, // ours
  ConvWeightGradient: { inputs: { x: 'float', dy: 'float' }, attributes: convolution }, // ours
  ConvBiasGradient: { inputs: { dy: 'float' }, attributes: {} }, // ours
  ConvTranspose: {
    inputs: { x: 'float', weight: 'float' },
    attributes: { ...window, output_padding: 'ints' },
  },
  // blocked-convolution.ts: ONNX Runtime's own
  NchwcConv: { inputs: { x: 'float', weight: 'float', 'bias?': 'float' }, attributes: window },
  NchwcReorderInput: unary,
  NchwcReorderOutput: { inputs: { x: 'float' }, attributes: { channels: 'int' } },
  // normalization.ts
  BatchNormalization: {
    inputs: { x: 'float', scale: 'float', bias: 'float', mean: 'float', variance: 'float' },
    attributes: { epsilon: 'float', 'momentum?': 'float', 'training_mode?': 'int' },
  },
  BatchNormTraining: { inputs: { x: 'float', scale: 'float', bias: 'float' }, attributes: { epsilon: 'float' } }, // ours
  BatchNormGradient: {
    // ours
    inputs: { dy: 'float', x: 'float', scale: 'float', mean: 'float', variance: 'float' },
    attributes: { epsilon: 'float' },
  },
  LayerNormalization: {
    inputs: { x: 'float', scale: 'float', bias: 'float' },
    attributes: { epsilon: 'float', axis: 'int' },
  },
  // softmax.ts
  Softmax: { inputs: { x: 'float' }, attributes: { axis: 'int' } },
  SoftmaxCrossEntropy: { inputs: { logits: 'float', targets: 'float' }, attributes: {} }, // ours
  // position-bias.ts
  RelativePositionBias: { inputs: { table: 'float' }, attributes: { size: 'int' } }, // ours
} as const satisfies Record<string, Signature>;

export type OperationName = keyof typeof signatures;
export const operationNames = Object.keys(signatures) as readonly OperationName[];

/** An input or attribute as it is declared: `name?` may be left out, `...name` stands for one or more inputs. */
export interface Declared<Kind extends string> {
  readonly name: string;
  readonly kind: Kind;
  readonly optional: boolean;
  readonly repeated: boolean;
}

function declared<Kind extends string>(entries: Readonly<Record<string, Kind>>): readonly Declared<Kind>[] {
  return Object.entries(entries).map(([key, kind]) => ({
    name: key.replace(/^\.\.\.|\?$/g, ''),
    kind,
    optional: key.endsWith('?'),
    repeated: key.startsWith('...'),
  }));
}

const both = ({ inputs, attributes }: Signature) => ({ inputs: declared(inputs), attributes: declared(attributes) });

/** The inputs and attributes of each operation, one by one. */
export const declarations = Object.fromEntries(operationNames.map((op) => [op, both(signatures[op])])) as Readonly<
  Record<OperationName, ReturnType<typeof both>>
>;

interface KindValues {
  readonly int: number;
  readonly float: number;
  readonly string: string;
  readonly ints: readonly number[];
}
type Attributed<Op extends OperationName> = (typeof signatures)[Op]['attributes'];
type Optional<Key> = Key extends `${infer Name}?` ? Name : never;
type Always<Key> = Key extends `${string}?` ? never : Key;
type ValueOf<Kind> = Kind extends keyof KindValues ? KindValues[Kind] : never;

/** The attributes of an operation as plain values. */
export type AttributeValues<Op extends OperationName> = {
  readonly [Key in keyof Attributed<Op> as Always<Key>]: ValueOf<Attributed<Op>[Key]>;
} & {
  readonly [Key in keyof Attributed<Op> as Optional<Key>]?: ValueOf<Attributed<Op>[Key]> | undefined;
};

/** Whether an input of a kind may have a dtype. */
export function accepts(kind: InputKind, dtype: DType): boolean {
  return (kinds[kind] as readonly DType[]).includes(dtype);
}

/** The dtypes of a kind, for messages. */
export const dtypesOf = (kind: InputKind): readonly DType[] => kinds[kind];
