// Weights in the order in which the kernels read them: kernels.as, graph-kernels.as.

import { valueAt } from '../common/typed-item.js';
import type { GraphKernels } from './graph-kernels.js';

/** Channels of a vector. */
export const vector = 4;
/** Of a number. */
export const floatBytes = Float32Array.BYTES_PER_ELEMENT;
/** A number of channels up to a multiple of vectors. */
export const roundedUp = (n: number): number => Math.ceil(n / vector) * vector;

/** Of 3x3 windows. */
const taps = 9;

/** A product with all channels that are read: their sums are some channels of the output. */
export interface Product {
  readonly weights: Float32Array;
  readonly inputs: number;
  /** Of the output: a multiple of 4. */
  readonly channels: number;
}

/** Of 4 channels each: nine weights, then the bias. */
export function packedDepthwise(weights: Float32Array, bias: Float32Array): Float32Array {
  const packed = new Float32Array(bias.length * (taps + 1));
  for (let channel = 0; channel < bias.length; channel++) {
    const [block, lane] = [Math.floor(channel / vector), channel % vector];
    const at = (tap: number): number => (block * (taps + 1) + tap) * vector + lane;
    for (let tap = 0; tap < taps; tap++) packed[at(tap)] = valueAt(weights, channel * taps + tap);
    packed[at(taps)] = valueAt(bias, channel);
  }
  return packed;
}

/**
 * Of 8 outputs each, and of the last 4: the biases, then for each input its weights. Outputs that lack to a multiple of 4 are zero.
 */
export function packedPointwise(weights: Float32Array, bias: Float32Array, inputs: number, outputs: number): Product {
  const channels = roundedUp(outputs);
  const packed = new Float32Array(channels * (inputs + 1));
  for (let output = 0; output < outputs; output++) {
    const block = output - (output % (2 * vector));
    const width = Math.min(2 * vector, channels - block);
    const at = block * (inputs + 1) + (output - block);
    packed[at] = valueAt(bias, output);
    for (let input = 0; input < inputs; input++) {
      packed[at + (input + 1) * width] = valueAt(weights, output * inputs + input);
    }
  }
  return { weights: packed, inputs, channels };
}

/** A 3x3 convolution as the product with patches of `patchInputs` numbers: row by row, pixel by pixel, channel by channel. */
export function packedFull(weights: Float32Array, bias: Float32Array, inputs: number, outputs: number): Product {
  const patches = new Float32Array(outputs * patchInputs);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      for (let tap = 0; tap < taps; tap++) {
        patches[output * patchInputs + tap * inputs + input] = valueAt(weights, (output * inputs + input) * taps + tap);
      }
    }
  }
  return packedPointwise(patches, bias, patchInputs, outputs);
}

/** Channels of what is read in patches. */
export const patchChannels = 3;
/** Nine pixels of three channels, up to a multiple of 4. */
export const patchInputs = 28;

/** Weights of `product` in graph-kernels.as, in memory. */
export interface PackedWeights {
  readonly at: number;
  /** A multiple of 4. */
  readonly outputs: number;
}

/** Of a matrix of weights. Of convolutions each tap of a window has all inputs; other matrices have one tap. */
export interface MatrixSize {
  readonly outputs: number;
  readonly taps: number;
  readonly inputs: number;
}

/** A matrix of weights in memory, in any order. */
export interface Matrix extends MatrixSize {
  readonly at: number;
  /** Numbers from one output to the next, from one tap, from one input. */
  readonly steps: { readonly output: number; readonly tap: number; readonly input: number };
}

/** Where vectors of the outputs lie, each up to a multiple of 8 numbers. Without them: factors 1, biases 0, slopes 1. */
export interface OutputVectors {
  readonly scale?: number;
  readonly bias?: number;
  readonly slopes?: number;
}

/** Numbers of a matrix that is packed, with its biases and slopes. */
export const packedFloats = ({ outputs, taps, inputs }: MatrixSize): number => roundedUp(outputs) * (taps * inputs + 2);

/** Writes a matrix as weights of `product` in graph-kernels.as. */
export function packMatrix({ pack }: GraphKernels, matrix: Matrix, vectors: OutputVectors, to: number): void {
  const { at, outputs, taps, inputs, steps } = matrix;
  const { scale = 0, bias = 0, slopes = 0 } = vectors;
  const [output, tap, input] = [steps.output * floatBytes, steps.tap * floatBytes, steps.input * floatBytes];
  pack(at, output, taps, tap, inputs, input, outputs, scale, bias, slopes, to);
}

/** Weights of `depthwise` in graph-kernels.as. Of 4 channels each: the biases, the negative slopes, then those of each tap. */
export function packedWindows({
  values,
  scale,
  bias,
  slopes,
}: {
  readonly values: Float32Array;
  readonly scale: Float32Array | undefined;
  readonly bias: Float32Array;
  readonly slopes: Float32Array;
}): Float32Array<ArrayBuffer> {
  const ownTaps = values.length / bias.length;
  const size = ownTaps + 2;
  const packed = new Float32Array(bias.length * size);
  for (let channel = 0; channel < bias.length; channel++) {
    const [block, lane] = [Math.floor(channel / vector), channel % vector];
    const at = (row: number): number => (block * size + row) * vector + lane;
    const factor = scale === undefined ? 1 : valueAt(scale, channel);
    packed[at(0)] = valueAt(bias, channel);
    packed[at(1)] = valueAt(slopes, channel);
    for (let tap = 0; tap < ownTaps; tap++) {
      packed[at(tap + 2)] = factor * valueAt(values, channel * ownTaps + tap);
    }
  }
  return packed;
}
