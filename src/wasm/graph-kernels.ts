import { relaxedWasm, wasm } from './graph-kernels-module.js';
import { instantiate, type KernelMemory } from './kernels.js';

/** Functions of one number: see `map` in graph-kernels.as. */
export const functions = { Relu: 0, Sigmoid: 1, Gelu: 2 } as const;
/** Functions of two tensors: see `combine`. */
export const combinations = { first: 0, Add: 1, Sub: 2, Mul: 3, addProduct: 4 } as const;

/** The functions of graph-kernels.as, and the memory that they compute in. Addresses are in bytes. */
export interface GraphKernels {
  readonly memory: KernelMemory;
  readonly product: (
    input: number,
    from: number,
    count: number,
    runs: number,
    runBytes: number,
    runStride: number,
    weights: number,
    outputs: number,
    out: number,
    to: number,
    residual: number,
    beyond: number,
  ) => void;
  readonly pack: (
    matrix: number,
    across: number,
    turns: number,
    turn: number,
    inputs: number,
    along: number,
    outputs: number,
    scale: number,
    bias: number,
    slopes: number,
    weights: number,
  ) => void;
  readonly depthwise: (
    input: number,
    from: number,
    count: number,
    rows: number,
    columns: number,
    rowStride: number,
    pixel: number,
    weights: number,
    channels: number,
    out: number,
    to: number,
  ) => void;
  readonly winogradInput: (
    input: number,
    from: number,
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
    to: number,
    row: number,
    pixel: number,
    residual: number,
    beyond: number,
    besideRow: number,
    besidePixel: number,
  ) => void;
  readonly affine: (
    input: number,
    from: number,
    count: number,
    scale: number,
    shift: number,
    channels: number,
    out: number,
    to: number,
  ) => void;
  readonly normalize: (
    input: number,
    from: number,
    count: number,
    length: number,
    scale: number,
    shift: number,
    epsilon: number,
    out: number,
    to: number,
  ) => void;
  readonly softmax: (input: number, from: number, count: number, length: number, out: number, to: number) => void;
  readonly map: (name: (typeof functions)[keyof typeof functions], input: number, count: number, out: number) => void;
  readonly combine: (
    name: (typeof combinations)[keyof typeof combinations],
    sizes: number,
    out: number,
    first: number,
    second: number,
  ) => void;
}

/**
 * The fastest kernels that this machine can run; undefined where WebAssembly has no SIMD.
 * @param relaxed whether products and sums may be rounded as the machine does it fastest
 */
export function createGraphKernels(relaxed = true): GraphKernels | undefined {
  return instantiate<GraphKernels>(
    relaxed ? [relaxedWasm, wasm] : [wasm],
    'run the network in; close what else needs memory',
  );
}
