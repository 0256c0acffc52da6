import { UserError } from '../common/errors.js';
import { halfBits, halfValues } from '../common/half.js';
import { printable } from '../common/printable.js';

/** Bytes per element of the data types we read and write, named as in safetensors. */
export const elementBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E4M3FNUZ: 1,
  F8_E5M2FNUZ: 1,
  F8_E8M0: 1,
  C128: 16,
  C64: 8,
  C32: 4,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

export type Dtype = keyof typeof elementBytes;

/** Whether safetensors has a data type of this name; PyTorch's has complex ones besides, for which it has none. */
export function isDtype(name: string): name is Exclude<Dtype, 'C128' | 'C32'> {
  return Object.hasOwn(elementBytes, name) && name !== 'C128' && name !== 'C32';
}

/** A tensor as it lies in a safetensors file: little-endian bytes, row-major. */
export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** `elementCount(shape) * elementBytes[dtype]` bytes; a view where possible, at any alignment. */
  readonly data: Uint8Array;
}

/** A float32 tensor as networks and optimizers hold it, row-major. */
export interface FloatArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Copies rows of `from` into `to`, in place: `rows[i]` is the one that becomes row i, and -1 leaves that as it is.
 * @returns `to`
 */
export function copyRows(to: Float32Array, { shape, data }: FloatArray, rows: readonly number[]): Float32Array {
  const width = elementCount(shape.slice(1));
  rows.forEach((from, row) => {
    if (from !== -1) to.set(data.subarray(from * width, (from + 1) * width), row * width);
  });
  return to;
}

/** Number of elements of a shape; a scalar (empty shape) has one. NaN where it is no exact non-negative integer. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) return Number.NaN;
    count *= dimension;
    if (count > Number.MAX_SAFE_INTEGER) return Number.NaN;
  }
  return count;
}

/** The bytes of a typed array, as a view. Hosts are little-endian, as every platform of ONNX Runtime is. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** A float32 array as a tensor over the same memory. Throws a RangeError when shape and length differ. */
export function fromFloat32({ shape, data }: FloatArray): Tensor {
  if (elementCount(shape) !== data.length) {
    throw new RangeError(`Shape [${shape.join(', ')}] does not hold ${data.length} elements.`);
  }
  return { dtype: 'F32', shape, data: bytesOf(data) };
}

/** A view of `bytes` with elements of `size` bytes starts at a multiple of `size`: copies only where it does not. */
function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}

/** Whether {@link toFloat32} takes this data type: that of weights. Eight bits are not, they have scales elsewhere. */
export function isFloatDtype(dtype: Dtype): boolean {
  return dtype === 'F32' || dtype === 'F64' || dtype === 'F16' || dtype === 'BF16';
}

/**
 * The elements as float32: a view of the same memory for aligned F32, a copy otherwise. F16 and BF16 convert exactly,
 * F64 is rounded to nearest.
 * @param name what to call the tensor in errors
 * @throws UserError for all others.
 */
export function toFloat32(tensor: Tensor, name: string): Float32Array {
  const { dtype, data } = tensor;
  if (!isFloatDtype(dtype)) {
    throw new UserError(
      `Tensor "${printable(name)}" holds ${dtype} values where F32, F64, F16 or BF16 ones are needed.`,
    );
  }
  const size = elementBytes[dtype];
  const { buffer, byteOffset, byteLength } = aligned(data, size);
  const length = byteLength / size;
  if (dtype === 'F32') return new Float32Array(buffer, byteOffset, length);
  if (dtype === 'F64') return Float32Array.from(new Float64Array(buffer, byteOffset, length));
  const halves = new Uint16Array(buffer, byteOffset, length);
  return dtype === 'F16' ? halfValues(halves) : brainFloatValues(halves);
}

/** A bfloat16 is the upper half of a float32. */
function brainFloatValues(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = (halves[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

/** Whether {@link toFloat64} takes this data type. */
export function isNumberDtype(dtype: Dtype): boolean {
  return !/^(C|F8)/.test(dtype);
}

/**
 * The elements as numbers; 64-bit integers beyond 2^53 are rounded, booleans are 0 and 1.
 * @throws UserError for complex numbers and floating-point ones of eight bits.
 */
export function toFloat64(tensor: Tensor): Float64Array {
  const { dtype } = tensor;
  const { buffer, byteOffset, byteLength } = aligned(tensor.data, elementBytes[dtype]);
  const length = byteLength / elementBytes[dtype];
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer, byteOffset, length);
    case 'I64':
      return Float64Array.from(new BigInt64Array(buffer, byteOffset, length), Number);
    case 'U64':
      return Float64Array.from(new BigUint64Array(buffer, byteOffset, length), Number);
    case 'U32':
      return Float64Array.from(new Uint32Array(buffer, byteOffset, length));
    case 'U16':
      return Float64Array.from(new Uint16Array(buffer, byteOffset, length));
    case 'I32':
      return Float64Array.from(new Int32Array(buffer, byteOffset, length));
    case 'I16':
      return Float64Array.from(new Int16Array(buffer, byteOffset, length));
    case 'I8':
      return Float64Array.from(new Int8Array(buffer, byteOffset, length));
    case 'U8':
    case 'BOOL':
      return Float64Array.from(new Uint8Array(buffer, byteOffset, length));
    default:
      return Float64Array.from(toFloat32(tensor, 'values'));
  }
}

/** An array as F16: half the bytes, eleven significant bits. */
export function toHalf({ shape, data }: FloatArray): Tensor {
  return { dtype: 'F16', shape, data: bytesOf(halfBits(data)) };
}
