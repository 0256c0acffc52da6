import { byteAt } from '../common/typed-item.js';
import { precisionBits, type Weights, weightsFor } from './triangle-filter.js';

/** An interleaved 8-bit picture: `data[(y * width + x) * channels + c]`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

const half = 1 << (precisionBits - 1);

// These loops are most of the time of resizing. They read typed arrays without a check for each element (a third slower): `resizeBilinear`
// checks the picture's length before, and weights lie within the picture by how they are made.
//
// Weights are not negative and add up to one, less rounding: a sum is never below 0.

/** Each row of an RGB picture resampled: pixels of the output from pixels of the same row. */
function resampleRgbRows(input: Uint8Array, output: Uint8Array, weights: Weights, inWidth: number, rows: number): void {
  const { first, count, values, stride } = weights;
  let target = 0;
  for (let row = 0; row < rows; row++) {
    for (let out = 0; out < first.length; out++) {
      const end = out * stride + (count[out] as number);
      let at = (row * inWidth + (first[out] as number)) * 3;
      let r = half;
      let g = half;
      let b = half;
      for (let i = out * stride; i < end; i++, at += 3) {
        const w = values[i] as number;
        r = (r + Math.imul(input[at] as number, w)) | 0;
        g = (g + Math.imul(input[at + 1] as number, w)) | 0;
        b = (b + Math.imul(input[at + 2] as number, w)) | 0;
      }
      output[target++] = Math.min(255, r >> precisionBits);
      output[target++] = Math.min(255, g >> precisionBits);
      output[target++] = Math.min(255, b >> precisionBits);
    }
  }
}

/** The same of a gray picture. */
function resampleGrayRows(
  input: Uint8Array,
  output: Uint8Array,
  weights: Weights,
  inWidth: number,
  rows: number,
): void {
  const { first, count, values, stride } = weights;
  let target = 0;
  for (let row = 0; row < rows; row++) {
    for (let out = 0; out < first.length; out++) {
      const end = out * stride + (count[out] as number);
      let at = row * inWidth + (first[out] as number);
      let sum = half;
      for (let i = out * stride; i < end; i++) sum = (sum + Math.imul(input[at++] as number, values[i] as number)) | 0;
      output[target++] = Math.min(255, sum >> precisionBits);
    }
  }
}

/** Each column of `input` resampled, whole rows at a time: neighbours in memory are read and written one after the other. */
function resampleColumns(
  input: Uint8Array,
  output: Uint8Array,
  { first, count, values, stride }: Weights,
  rowLength: number,
): void {
  const sums = new Int32Array(rowLength);
  let target = 0;
  for (let out = 0; out < first.length; out++) {
    const n = count[out] as number;
    const base = out * stride;
    let at = (first[out] as number) * rowLength;
    if (n === 2) {
      // Enlarging: the sums need no memory.
      const above = values[base] as number;
      const below = values[base + 1] as number;
      for (let end = at + rowLength; at < end; at++) {
        const sum = half + Math.imul(input[at] as number, above) + Math.imul(input[at + rowLength] as number, below);
        output[target++] = Math.min(255, sum >> precisionBits);
      }
      continue;
    }
    sums.fill(half);
    for (let i = base; i < base + n; i++) {
      const w = values[i] as number;
      for (let x = 0; x < rowLength; x++) sums[x] = (sums[x] as number) + Math.imul(input[at++] as number, w);
    }
    for (let x = 0; x < rowLength; x++) output[target++] = Math.min(255, (sums[x] as number) >> precisionBits);
  }
}

/**
 * Bilinear resize with the arithmetic of Pillow's `Image.resize((width, height), BILINEAR)`: triangle filter,
 * antialiased when shrinking, a horizontal then a vertical pass with 8 bits in between.
 */
export function resizeBilinear(picture: Picture, width: number, height: number): Picture {
  const { channels } = picture;
  let { data } = picture;
  const expected = picture.width * picture.height * channels;
  if (data.length < expected) throw new RangeError(`a picture of ${expected} values has ${data.length}`);
  if (picture.width !== width) {
    const out = new Uint8Array(picture.height * width * channels);
    const resampleRows = channels === 3 ? resampleRgbRows : resampleGrayRows;
    resampleRows(data, out, weightsFor(picture.width, width), picture.width, picture.height);
    data = out;
  }
  if (picture.height !== height) {
    const out = new Uint8Array(height * width * channels);
    resampleColumns(data, out, weightsFor(picture.height, height), width * channels);
    data = out;
  }
  return { width, height, channels, data };
}

/** Luma of an RGB picture, ITU-R 601 in 16-bit fixed point, as Pillow's `convert('L')`. */
export function toLuma(picture: Picture): Picture {
  if (picture.channels === 1) return picture;
  const { width, height, data } = picture;
  const out = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < out.length; i++, at += 3) {
    const r = byteAt(data, at);
    const g = byteAt(data, at + 1);
    const b = byteAt(data, at + 2);
    out[i] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
  }
  return { width, height, channels: 1, data: out };
}

/** A decoded picture at the size and with the channels of a network's input. */
export function toNetworkSize(picture: Picture, size: number, channels: 1 | 3): Picture {
  return resizeBilinear(channels === 1 ? toLuma(picture) : picture, size, size);
}
