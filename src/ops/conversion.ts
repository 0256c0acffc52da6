import { type DType, type FloatDType, fixedDim, GraphError, sameShape, type Value } from '../graph/index.js';
import { apply, axisOf, type OperationTable } from './operation.js';

/** ONNX's numbers of the dtypes, TensorProto.DataType. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
} as const satisfies Readonly<Record<DType, number>>;

/** x in another dtype, as ONNX converts: to float16 rounded to nearest, to integers towards zero. */
export function cast<D extends DType>(x: Value, dtype: D): Value<D> {
  if (x.dtype === dtype) return x as Value<D>;
  const types = [{ dtype, shape: x.shape }];
  return apply('Cast', [x], { to: elementTypes[dtype] }, types).outputs[0] as Value<D>;
}

export type QuantizedDType = 'int8' | 'uint8';

/** Number q stands for (q - zeroPoint) scale: for the whole tensor ([] each), or for each index of an axis ([size]). */
export interface Quantization<F extends FloatDType, Q extends QuantizedDType> {
  readonly scale: Value<F>;
  readonly zeroPoint: Value<Q>;
  /** Where scale and zero point are vectors. */
  readonly axis?: number;
}

/** x / scale + zeroPoint, rounded to nearest (ties to even) and cut to the range of the zero point's dtype. */
export function quantize<F extends FloatDType, Q extends QuantizedDType>(
  x: Value<F>,
  by: Quantization<F, Q>,
): Value<Q> {
  const { scale, zeroPoint } = by;
  const types = [{ dtype: zeroPoint.dtype, shape: x.shape }];
  const attributes = { axis: checkedAxis('QuantizeLinear', x, by) };
  return apply('QuantizeLinear', [x, scale, zeroPoint], attributes, types).outputs[0] as Value<Q>;
}

/** (x - zeroPoint) scale, in the scale's dtype. */
export function dequantize<F extends FloatDType, Q extends QuantizedDType>(
  x: Value<Q>,
  by: Quantization<F, Q>,
): Value<F> {
  const { scale, zeroPoint } = by;
  const types = [{ dtype: scale.dtype, shape: x.shape }];
  const attributes = { axis: checkedAxis('DequantizeLinear', x, by) };
  return apply('DequantizeLinear', [x, scale, zeroPoint], attributes, types).outputs[0] as Value<F>;
}

function checkedAxis(
  op: 'QuantizeLinear' | 'DequantizeLinear',
  x: Value,
  { scale, zeroPoint, axis }: Quantization<FloatDType, QuantizedDType>,
): number | undefined {
  const at = axis === undefined ? undefined : axisOf(op, x, axis);
  const expected = at === undefined ? [] : [fixedDim(x, at, op)];
  if (!sameShape(scale.shape, expected) || !sameShape(zeroPoint.shape, expected)) {
    throw new GraphError(
      op,
      [x, scale, zeroPoint],
      'scale and zero point must be scalars, or vectors of the given axis',
    );
  }
  return at;
}

const notTrained = 'weights are trained in float32, and stored in fewer bits afterwards';

export const conversions = {
  Cast: { gradient: { none: notTrained }, onnx: {} },
  // Before opset 19 their numbers of floating point are float32.
  QuantizeLinear: { gradient: { none: 'rounding is constant almost everywhere' }, onnx: { since: 19 } },
  DequantizeLinear: { gradient: { none: notTrained }, onnx: { since: 19 } },
} satisfies OperationTable;
