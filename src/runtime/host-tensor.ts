import * as ort from 'onnxruntime-common';
import { arrayTypes, type DType, type DTypeArrays, elements } from '../graph/index.js';

/** A tensor in memory that JavaScript can read. */
export interface HostTensor<D extends DType = DType> {
  readonly on: 'host';
  readonly dtype: D;
  readonly dims: readonly number[];
  readonly data: DTypeArrays[D];
}

/** A host tensor over an array, without a copy: what is written to the array later is seen by later runs. */
export function hostTensor<D extends DType>(dtype: D, data: DTypeArrays[D], dims: readonly number[]): HostTensor<D> {
  if (elements(dims) !== data.length) throw new Error(`${data.length} elements do not fill [${dims.join(', ')}]`);
  return { on: 'host', dtype, dims, data };
}

const wrapped = new WeakMap<HostTensor, ort.Tensor>();

/** ONNX Runtime's view of a host tensor, made once for each. */
export function toOrt(tensor: HostTensor): ort.Tensor {
  let value = wrapped.get(tensor);
  if (value === undefined) {
    value = make(tensor);
    wrapped.set(tensor, value);
  }
  return value;
}

function make({ dtype, data, dims }: HostTensor): ort.Tensor {
  switch (dtype) {
    case 'float32':
      return new ort.Tensor('float32', data as Float32Array, dims);
    case 'float16':
      return new ort.Tensor('float16', data as Uint16Array, dims);
    case 'int8':
      return new ort.Tensor('int8', data as Int8Array, dims);
    case 'uint8':
      return new ort.Tensor('uint8', data as Uint8Array, dims);
    case 'int32':
      return new ort.Tensor('int32', data as Int32Array, dims);
    case 'int64':
      return new ort.Tensor('int64', data as BigInt64Array, dims);
    case 'bool':
      return new ort.Tensor('bool', data as Uint8Array, dims);
  }
}

function isDType(type: string): type is DType {
  return Object.hasOwn(arrayTypes, type);
}

export function fromOrt(value: ort.Tensor): HostTensor {
  const { type, data, dims } = value;
  if (!isDType(type) || !ArrayBuffer.isView(data)) throw new Error(`a graph put out ${type}, which no operation makes`);
  // Where JavaScript has a Float16Array, the runtime gives one; here halves are bits.
  const halves = type === 'float16' && !(data instanceof Uint16Array);
  const held = halves ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data;
  return { on: 'host', dtype: type, dims, data: held as DTypeArrays[DType] };
}

/** The elements of a float32 host tensor. */
export function floats(tensor: HostTensor | undefined): Float32Array {
  if (tensor?.dtype !== 'float32') throw new Error('a float32 tensor was expected');
  return tensor.data as Float32Array;
}
