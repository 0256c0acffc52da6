// Weights in the order in which the kernels read them: kernels.as.

import { valueAt } from '../common/typed-item.js';

/** Channels of a vector. */
export const vector = 4;
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
  const channels = Math.ceil(outputs / vector) * vector;
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

/** Weights of `depthwise` in graph-kernels.as. Of 4 channels each: the biases, the slopes below zero, then those of each pixel. */
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
  const pixels = values.length / bias.length;
  const size = pixels + 2;
  const packed = new Float32Array(bias.length * size);
  for (let channel = 0; channel < bias.length; channel++) {
    const [block, lane] = [Math.floor(channel / vector), channel % vector];
    const at = (row: number): number => (block * size + row) * vector + lane;
    const factor = scale === undefined ? 1 : valueAt(scale, channel);
    packed[at(0)] = valueAt(bias, channel);
    packed[at(1)] = valueAt(slopes, channel);
    for (let pixel = 0; pixel < pixels; pixel++) {
      packed[at(pixel + 2)] = factor * valueAt(values, channel * pixels + pixel);
    }
  }
  return packed;
}
