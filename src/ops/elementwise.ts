import { halfBits } from '../common/half.js';
import {
  broadcast,
  constant,
  type DType,
  type DTypeArrays,
  type FloatDType,
  fixedDim,
  GraphError,
  sameShape,
  type Tensor,
  type Value,
} from '../graph/index.js';
import {
  apply,
  applyOne,
  attributesOf,
  floatOperand,
  type GradientRule,
  type OnnxForm,
  type OperationTable,
  operand,
  output,
} from './operation.js';

/** Dtypes that arithmetic is done in. */
export type NumberDType = FloatDType | 'int32' | 'int64';

/** A tensor, or a number that stands for a scalar constant of the other operand's dtype (float32 where both are numbers). */
export type Operand<D extends NumberDType = 'float32'> = Value<D> | number;

const arrays: { readonly [D in NumberDType]: (value: number) => DTypeArrays[D] } = {
  float32: (value) => Float32Array.of(value),
  float16: (value) => halfBits(Float32Array.of(value)),
  int32: (value) => Int32Array.of(value),
  int64: (value) => BigInt64Array.of(BigInt(value)),
};

/** A constant without axes. */
export function scalar(value: number): Tensor;
export function scalar<D extends NumberDType>(value: number, dtype: D): Value<D>;
export function scalar(value: number, dtype: NumberDType = 'float32'): Value {
  return constant(dtype, arrays[dtype](value), []);
}

function tensors<D extends NumberDType>(a: Operand<D>, b: Operand<D>): readonly [Value<D>, Value<D>] {
  const given = [a, b].find((x) => typeof x !== 'number');
  // D is float32 where neither operand says another.
  const dtype = given === undefined ? ('float32' as D) : given.dtype;
  const tensor = (x: Operand<D>): Value<D> => (typeof x === 'number' ? scalar(x, dtype) : x);
  return [tensor(a), tensor(b)];
}

/** Operands of one dtype; numbers take that of the other. */
interface Arithmetic {
  <D extends NumberDType>(a: Value<D>, b: Operand<NoInfer<D>>): Value<D>;
  <D extends NumberDType>(a: number, b: Value<D>): Value<D>;
  (a: Operand, b: Operand): Tensor;
}

type Binary = 'Add' | 'Sub' | 'Mul' | 'Div' | 'Min';

function binary<D extends NumberDType>(op: Binary, a: Operand<D>, b: Operand<D>): Value<D> {
  const [x, y] = tensors(a, b);
  const shape = broadcast(x.shape, y.shape);
  if (shape === undefined) throw new GraphError(op, [x, y], 'the shapes do not broadcast');
  return applyOne(op, [x, y], shape);
}

type Unary =
  | 'Neg'
  | 'Exp'
  | 'Log'
  | 'Sqrt'
  | 'Reciprocal'
  | 'Erf'
  | 'Floor'
  | 'Sigmoid'
  | 'Relu'
  | 'Gelu'
  | 'Step'
  | 'Identity';
const unary = <D extends DType>(op: Unary, x: Value<D>): Value<D> => applyOne(op, [x], x.shape);

/** a + b, broadcast as in NumPy. */
export const add: Arithmetic = <D extends NumberDType>(a: Operand<D>, b: Operand<D>): Value<D> => binary('Add', a, b);
export const sub: Arithmetic = <D extends NumberDType>(a: Operand<D>, b: Operand<D>): Value<D> => binary('Sub', a, b);
export const mul: Arithmetic = <D extends NumberDType>(a: Operand<D>, b: Operand<D>): Value<D> => binary('Mul', a, b);
export const div: Arithmetic = <D extends NumberDType>(a: Operand<D>, b: Operand<D>): Value<D> => binary('Div', a, b);
/** Elementwise minimum; the gradient at a tie goes to `a`. */
export const minimum: Arithmetic = <D extends NumberDType>(a: Operand<D>, b: Operand<D>): Value<D> =>
  binary('Min', a, b);
export const neg = <D extends NumberDType>(x: Value<D>): Value<D> => unary('Neg', x);
export const exp = <D extends FloatDType>(x: Value<D>): Value<D> => unary('Exp', x);
export const log = <D extends FloatDType>(x: Value<D>): Value<D> => unary('Log', x);
export const sqrt = <D extends FloatDType>(x: Value<D>): Value<D> => unary('Sqrt', x);
export const reciprocal = <D extends FloatDType>(x: Value<D>): Value<D> => unary('Reciprocal', x);
export const erf = <D extends FloatDType>(x: Value<D>): Value<D> => unary('Erf', x);
/** The largest integer that is no larger than x. */
export const floor = <D extends FloatDType>(x: Value<D>): Value<D> => unary('Floor', x);
export const sigmoid = <D extends FloatDType>(x: Value<D>): Value<D> => unary('Sigmoid', x);
export const relu = <D extends FloatDType>(x: Value<D>): Value<D> => unary('Relu', x);
/** x * Phi(x), Phi the normal distribution function (the exact GELU, not its tanh approximation). */
export const gelu = <D extends FloatDType>(x: Value<D>): Value<D> => unary('Gelu', x);

export interface PReluOptions {
  /** The slope stays the same while the graph is used. */
  readonly fixed?: boolean;
  /** The slope is nowhere above 1: a fixed one takes a pass less on the CPU. */
  readonly atMostOne?: boolean;
}

/** max(0, x) + slope * min(0, x); `slope` is [C, 1, 1] for x [N, C, H, W]. */
export function prelu<D extends FloatDType>(x: Value<D>, slope: Value<D>, options: PReluOptions = {}): Value<D> {
  const shape = broadcast(x.shape, slope.shape);
  if (shape === undefined || !sameShape(shape, x.shape)) {
    throw new GraphError('PRelu', [x, slope], 'the slope does not broadcast to the input');
  }
  const { fixed = false, atMostOne = false } = options;
  return applyOne('PRelu', [x, slope], x.shape, { fixed: fixed ? 1 : 0, atMostOne: atMostOne ? 1 : undefined });
}

/** The largest float32. */
const floatMax = 3.4028234663852886e38;

/** min(x, max), elementwise; and no less than `min` if that is given, which is no larger than `max`. */
export function clampMax<D extends NumberDType>(x: Value<D>, max: number, min?: number): Value<D> {
  if (min !== undefined && !(min <= max))
    throw new GraphError('Clip', [x], `the bounds ${min} and ${max} are not in order`);
  return applyOne('Clip', [x, min === undefined ? undefined : scalar(min, x.dtype), scalar(max, x.dtype)], x.shape);
}

/** 1 where x > 0, else 0. */
export const step = <D extends FloatDType>(x: Value<D>): Value<D> => unary('Step', x);

/** a > b. */
export function greater<D extends NumberDType = 'float32'>(a: Operand<D>, b: Operand<D>): Value<'bool'> {
  const [x, y] = tensors(a, b);
  const shape = broadcast(x.shape, y.shape);
  if (shape === undefined) throw new GraphError('Greater', [x, y], 'the shapes do not broadcast');
  return apply('Greater', [x, y], {}, [{ dtype: 'bool', shape }]).outputs[0] as Value<'bool'>;
}

/** `yes` where the condition holds, `no` elsewhere. */
export function where<D extends NumberDType = 'float32'>(
  condition: Value<'bool'>,
  yes: Operand<D>,
  no: Operand<D>,
): Value<D> {
  const [x, y] = tensors(yes, no);
  const branches = broadcast(x.shape, y.shape);
  const shape = branches && broadcast(branches, condition.shape);
  if (shape === undefined) throw new GraphError('Where', [condition, x, y], 'the shapes do not broadcast');
  return apply('Where', [condition, x, y], {}, [{ dtype: x.dtype, shape }]).outputs[0] as Value<D>;
}

/** The same value as a node of its own; its gradient passes through. */
export const identity = <D extends DType>(x: Value<D>): Value<D> => unary('Identity', x);

/** A rule for y = f(x) from dL/dy, of an operation of ONNX. */
function rule(derive: (dy: Tensor, x: Tensor, y: Tensor) => Tensor): { gradient: GradientRule; onnx: OnnxForm<never> } {
  return {
    gradient: ({ node, gradients: [dy] }) => [dy && derive(dy, operand(node, 0), output(node, 0))],
    onnx: {},
  };
}

/**
 * scale x + bias by channel, x [N, C, H, W], scale and bias [C]: in one pass, and for small maps faster than a product with a
 * vector alone, on a CPU.
 */
export function affineByChannel(x: Tensor, scale: Tensor, bias?: Tensor): Tensor {
  const channels = fixedDim(scale, 0);
  const filled = (value: number): Tensor => constant('float32', new Float32Array(channels).fill(value), [channels]);
  const zero = filled(0);
  return applyOne('BatchNormalization', [x, scale, bias ?? zero, zero, filled(1)], x.shape, { epsilon: 0 });
}

/** [C, 1, 1] as [C]. */
function vectorOf(slope: Tensor): Tensor {
  const channels = fixedDim(slope, 0);
  return applyOne('Reshape', [slope, constant('int64', BigInt64Array.of(BigInt(channels)), [1])], [channels]);
}

/**
 * slope x + (1 - slope) max(0, x), the products as normalisations. ONNX Runtime keeps those, unlike a product with a
 * vector, in the blocked layout of the convolutions around them, so that nothing is reordered.
 */
function blockedPRelu(x: Tensor, slope: Tensor, atMostOne: boolean): Tensor {
  const vector = vectorOf(slope);
  const rest = sub(1, vector);
  // (1 - slope) max(0, x) is max(0, (1 - slope) x) where slope <= 1, and then comes out of the product's own kernel.
  return add(affineByChannel(x, vector), atMostOne ? relu(affineByChannel(x, rest)) : affineByChannel(relu(x), rest));
}

const twoOverRootPi = 2 / Math.sqrt(Math.PI);

export const elementwise = {
  // d(a + b) = da + db
  Add: { gradient: ({ gradients: [dy] }) => [dy, dy], onnx: {} },
  // d(a - b) = da - db
  Sub: { gradient: ({ gradients: [dy], wants }) => [dy, wants[1] && dy ? neg(dy) : undefined], onnx: {} },
  // d(a b) = b da + a db
  Mul: {
    gradient: ({ node, gradients: [dy], wants }) => [
      wants[0] && dy ? mul(dy, operand(node, 1)) : undefined,
      wants[1] && dy ? mul(dy, operand(node, 0)) : undefined,
    ],
    onnx: {},
  },
  // d(a / b) = da / b - (a / b) db / b
  Div: {
    gradient: ({ node, gradients: [dy], wants }) => {
      if (!dy) return [];
      const part = div(dy, operand(node, 1));
      return [part, wants[1] ? neg(mul(part, output(node, 0))) : undefined];
    },
    onnx: {},
  },
  Min: {
    gradient: ({ node, gradients: [dy], wants }) => {
      if (!dy) return [];
      const second = greater(operand(node, 0), operand(node, 1));
      return [wants[0] ? where(second, 0, dy) : undefined, wants[1] ? where(second, dy, 0) : undefined];
    },
    onnx: {},
  },
  Neg: rule((dy) => neg(dy)),
  Exp: rule((dy, _, y) => mul(dy, y)),
  Log: rule((dy, x) => div(dy, x)),
  // d sqrt(x) = dx / (2 sqrt(x))
  Sqrt: rule((dy, _, y) => div(mul(dy, 0.5), y)),
  // d(1/x) = -dx / x^2
  Reciprocal: rule((dy, _, y) => neg(mul(dy, mul(y, y)))),
  // d erf(x) = 2/sqrt(pi) exp(-x^2) dx
  Erf: rule((dy, x) => mul(mul(dy, twoOverRootPi), exp(neg(mul(x, x))))),
  // d s(x) = s (1 - s) dx
  Sigmoid: rule((dy, _, y) => mul(dy, mul(y, sub(1, y)))),
  Relu: { ...rule((dy, x) => mul(dy, step(x))), onnx: {} },
  Gelu: {
    // d gelu(x) = (Phi(x) + x phi(x)) dx, phi the normal density
    ...rule((dy, x) => {
      const cdf = add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5);
      const density = mul(exp(mul(mul(x, x), -0.5)), Math.SQRT1_2 / Math.sqrt(Math.PI));
      return mul(dy, add(cdf, mul(x, density)));
    }),
    // gelu(x) = x (1 + erf(x / sqrt(2))) / 2
    onnx: {
      since: 20,
      before: (node) => {
        const x = floatOperand(node, 0);
        return [mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1))];
      },
    },
  },
  // d prelu = dx where x > 0, slope dx + min(x, 0) dslope elsewhere
  PRelu: {
    gradient: ({ node, gradients: [dy], wants }) => {
      if (!dy) return [];
      const [x, slope] = [operand(node, 0), operand(node, 1)];
      return [
        wants[0] ? mul(dy, add(mul(step(x), sub(1, slope)), slope)) : undefined,
        // Not the forward pass's own min(x, 0), which the runtime would keep until here if it knew them to be the same.
        wants[1] ? mul(dy, clampMax(x, 0, -floatMax)) : undefined,
      ];
    },
    onnx: { unwritten: ['fixed', 'atMostOne'] },
    lower: (node, { device }) => {
      const [x, slope] = [floatOperand(node, 0), floatOperand(node, 1)];
      if (device === 'webgpu') return undefined;
      // The CPU kernel works on one core: four passes that use all of them take a third of the time.
      const { fixed, atMostOne } = attributesOf('PRelu', node);
      if (x.dtype !== 'float32' || x.shape.length !== 4 || slope.shape.length !== 3) {
        return [add(relu(x), mul(clampMax(x, 0), slope))];
      }
      const [single, slopes] = [operand(node, 0), operand(node, 1)];
      if (fixed === 1) return [blockedPRelu(single, slopes, atMostOne === 1)];
      return [add(relu(single), affineByChannel(clampMax(single, 0), vectorOf(slopes)))];
    },
  },
  // d clip(x) = dx where min <= x <= max
  Clip: {
    gradient: ({ node, gradients: [dy] }) => {
      if (!dy) return [];
      const x = operand(node, 0);
      const below = where(greater(x, operand(node, 2)), 0, dy);
      return [node.inputs[1] ? where(greater(operand(node, 1), x), 0, below) : below];
    },
    onnx: {},
  },
  Step: {
    gradient: { none: 'a step is constant almost everywhere' },
    onnx: 'ours',
    // max(0, min(1, alpha x)) with a huge alpha: one fast pass on the CPU, where a comparison and Where take eight times
    // as long.
    lower: (node, { device }) => {
      const x = floatOperand(node, 0);
      if (device === 'webgpu') return [where(greater(x, 0), 1, 0)];
      return [applyOne('HardSigmoid', [x], x.shape, { alpha: 3e38, beta: 0 })];
    },
  },
  HardSigmoid: { gradient: { none: 'Step becomes it after differentiation' }, onnx: {} },
  Where: {
    gradient: ({ node, gradients: [dy], wants }) => {
      if (!dy) return [];
      const condition = node.inputs[0] as Value<'bool'>;
      return [
        undefined,
        wants[1] ? where(condition, dy, 0) : undefined,
        wants[2] ? where(condition, 0, dy) : undefined,
      ];
    },
    onnx: {},
  },
  Floor: { gradient: { none: 'it is constant almost everywhere' }, onnx: {} },
  Greater: { gradient: { none: 'a comparison is constant almost everywhere' }, onnx: {} },
  Identity: { gradient: ({ gradients: [dy] }) => [dy], onnx: {} },
} satisfies OperationTable;
