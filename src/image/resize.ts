import { byteAt, integerAt } from '../common/typed-item.js';
import { precisionBits, type Weights, weightsFor } from './triangle-filter.js';

/** An interleaved 8-bit picture: `data[(y * width + x) * channels + c]`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

const half = 1 << (precisionBits - 1);

/** Each row of `input` resampled: pixels of the output from pixels of the same row. */
function resampleRows(
  input: Uint8Array,
  output: Uint8Array,
  { first, count, values, stride }: Weights,
  channels: 1 | 3,
  inWidth: number,
): void {
  const rows = input.length / (inWidth * channels);
  let target = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * inWidth;
    for (let out = 0; out < first.length; out++) {
      const n = integerAt(count, out);
      const base = out * stride;
      let at = (start + integerAt(first, out)) * channels;
      if (channels === 3) {
        let r = half;
        let g = half;
        let b = half;
        for (let i = base; i < base + n; i++, at += 3) {
          const w = integerAt(values, i);
          r = (r + Math.imul(byteAt(input, at), w)) | 0;
          g = (g + Math.imul(byteAt(input, at + 1), w)) | 0;
          b = (b + Math.imul(byteAt(input, at + 2), w)) | 0;
        }
        output[target++] = clamp(r >> precisionBits);
        output[target++] = clamp(g >> precisionBits);
        output[target++] = clamp(b >> precisionBits);
      } else {
        let sum = half;
        for (let i = base; i < base + n; i++, at++) {
          sum = (sum + Math.imul(byteAt(input, at), integerAt(values, i))) | 0;
        }
        output[target++] = clamp(sum >> precisionBits);
      }
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
    const n = integerAt(count, out);
    const base = out * stride;
    let at = integerAt(first, out) * rowLength;
    if (n === 2) {
      // Enlarging: the sums need no memory.
      const above = integerAt(values, base);
      const below = integerAt(values, base + 1);
      for (let end = at + rowLength; at < end; at++) {
        const sum = half + Math.imul(byteAt(input, at), above) + Math.imul(byteAt(input, at + rowLength), below);
        output[target++] = clamp(sum >> precisionBits);
      }
      continue;
    }
    sums.fill(half);
    for (let i = base; i < base + n; i++) {
      const w = integerAt(values, i);
      for (let x = 0; x < rowLength; x++) sums[x] = integerAt(sums, x) + Math.imul(byteAt(input, at++), w);
    }
    for (let x = 0; x < rowLength; x++) output[target++] = clamp(integerAt(sums, x) >> precisionBits);
  }
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, value));
}

/**
 * Bilinear resize with the arithmetic of Pillow's `Image.resize((width, height), BILINEAR)`: triangle filter,
 * antialiased when shrinking, a horizontal then a vertical pass with 8 bits in between.
 */
export function resizeBilinear(picture: Picture, width: number, height: number): Picture {
  const { channels } = picture;
  let { data } = picture;
  if (picture.width !== width) {
    const out = new Uint8Array(picture.height * width * channels);
    resampleRows(data, out, weightsFor(picture.width, width), channels, picture.width);
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
