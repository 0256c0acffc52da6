import { relaxedWasm, wasm } from './graph-kernels-module.js';
import { instantiate, type KernelMemory } from './kernels.js';

/** Functions of one number: see `activate` in graph-kernels.as. */
export const activations = { Relu: 0, Sigmoid: 1, Gelu: 2 } as const;
/** Functions of two tensors: see `elementwise`. */
export const binaryOperations = { copy: 0, Add: 1, Sub: 2, Mul: 3, multiplyAdd: 4 } as const;

/** The functions of graph-kernels.as, and the memory that they compute in. Addresses are in bytes. */
export interface GraphKernels {
  readonly memory: KernelMemory;
  readonly product: (
    input: number,
    inputOffsets: number,
    count: number,
    runs: number,
    runBytes: number,
    runStride: number,
    weights: number,
    outputs: number,
    out: number,
    outputOffsets: number,
    residual: number,
    residualOffsets: number,
  ) => void;
  readonly pack: (
    matrix: number,
    outputStep: number,
    taps: number,
    tapStep: number,
    inputs: number,
    inputStep: number,
    outputs: number,
    scale: number,
    bias: number,
    slopes: number,
    weights: number,
  ) => void;
  readonly depthwise: (
    input: number,
    inputOffsets: number,
    count: number,
    rows: number,
    columns: number,
    rowStride: number,
    pixel: number,
    weights: number,
    channels: number,
    out: number,
    outputOffsets: number,
  ) => void;
  readonly winogradInput: (
    input: number,
    inputOffsets: number,
    count: number,
    row: number,
    pixel: number,
    channels: number,
    out: number,
    plane: number,
  ) => void;
  readonly winogradWeights: (weights: number, count: number, out: number, plane: number) => void;
  readonly winogradOutput: (
    sums: number,
    plane: number,
    count: number,
    channels: number,
    bias: number,
    slopes: number,
    out: number,
    outputOffsets: number,
    row: number,
    pixel: number,
    residual: number,
    residualOffsets: number,
    residualRow: number,
    residualPixel: number,
  ) => void;
  readonly affine: (
    input: number,
    inputOffsets: number,
    count: number,
    scale: number,
    shift: number,
    channels: number,
    out: number,
    outputOffsets: number,
  ) => void;
  readonly layerNorm: (
    input: number,
    inputOffsets: number,
    count: number,
    length: number,
    scale: number,
    shift: number,
    epsilon: number,
    out: number,
    outputOffsets: number,
  ) => void;
  readonly softmax: (
    input: number,
    inputOffsets: number,
    count: number,
    length: number,
    out: number,
    outputOffsets: number,
  ) => void;
  readonly activate: (
    name: (typeof activations)[keyof typeof activations],
    input: number,
    count: number,
    out: number,
  ) => void;
  readonly elementwise: (
    name: (typeof binaryOperations)[keyof typeof binaryOperations],
    sizes: number,
    out: number,
    first: number,
    second: number,
  ) => void;
}

/**
 * The fastest kernels that this machine can run; undefined where WebAssembly has no SIMD or is forbidden.
 * @param relaxed whether products and sums may be rounded as the machine does it fastest
 */
export function createGraphKernels(relaxed = true): GraphKernels | undefined {
  return instantiate<GraphKernels>(relaxed ? [relaxedWasm, wasm] : [wasm], {
    purpose: 'to run the network in',
    advice: 'close what else needs memory',
  });
}
