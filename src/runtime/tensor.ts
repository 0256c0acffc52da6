import * as ort from 'onnxruntime-common';
import type { DType, DTypeArrays } from '../graph/index.js';

/** A tensor in memory that JavaScript can read. */
export interface HostTensor<D extends DType = DType> {
  readonly on: 'host';
  readonly dtype: D;
  readonly dims: readonly number[];
  readonly data: DTypeArrays[D];
}

/** A host tensor over an array, without a copy: what is written to the array later is seen by later runs. */
export function hostTensor<D extends DType>(dtype: D, data: DTypeArrays[D], dims: readonly number[]): HostTensor<D> {
  const count = dims.reduce((a, b) => a * b, 1);
  if (count !== data.length) throw new Error(`${data.length} elements do not fill [${dims.join(', ')}]`);
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
    case 'int32':
      return new ort.Tensor('int32', data as Int32Array, dims);
    case 'int64':
      return new ort.Tensor('int64', data as BigInt64Array, dims);
    case 'bool':
      return new ort.Tensor('bool', data as Uint8Array, dims);
  }
}

export function fromOrt(value: ort.Tensor): HostTensor {
  const { data, dims } = value;
  switch (value.type) {
    case 'float32':
      return { on: 'host', dtype: 'float32', data: data as Float32Array, dims };
    case 'int32':
      return { on: 'host', dtype: 'int32', data: data as Int32Array, dims };
    case 'int64':
      return { on: 'host', dtype: 'int64', data: data as BigInt64Array, dims };
    case 'bool':
      return { on: 'host', dtype: 'bool', data: data as Uint8Array, dims };
    default:
      throw new Error(`a graph put out ${value.type}, which no operation here makes`);
  }
}

/** The elements of a float32 host tensor. */
export function floats(tensor: HostTensor | undefined): Float32Array {
  if (tensor?.dtype !== 'float32') throw new Error('a float32 tensor was expected');
  return tensor.data as Float32Array;
}
