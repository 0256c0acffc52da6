import { byteAt, integerAt } from '../common/typed-item.js';
import { precisionBits, type Weights, weightsFor } from './triangle-filter.js';

/** An interleaved 8-bit picture: `data[(y * width + x) * channels + c]`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/**
 * One pass along one axis. `step` is the distance between neighbours along the axis, `lines` the number of rows (or
 * columns) and `lineStep` their distance in the input; `outStep` and `outLineStep` the same for the output.
 */
function pass(
  input: Uint8Array,
  output: Uint8Array,
  weights: Weights,
  channels: number,
  lines: number,
  step: number,
  lineStep: number,
  outStep: number,
  outLineStep: number,
): void {
  const { first, count, values, stride } = weights;
  const half = 1 << (precisionBits - 1);
  for (let out = 0; out < first.length; out++) {
    const from = integerAt(first, out);
    const n = integerAt(count, out);
    const base = out * stride;
    for (let line = 0; line < lines; line++) {
      const source = line * lineStep + from * step;
      const target = line * outLineStep + out * outStep;
      if (channels === 3) {
        let r = half;
        let g = half;
        let b = half;
        for (let i = 0, at = source; i < n; i++, at += step) {
          const w = integerAt(values, base + i);
          r = (r + Math.imul(byteAt(input, at), w)) | 0;
          g = (g + Math.imul(byteAt(input, at + 1), w)) | 0;
          b = (b + Math.imul(byteAt(input, at + 2), w)) | 0;
        }
        output[target] = clamp(r >> precisionBits);
        output[target + 1] = clamp(g >> precisionBits);
        output[target + 2] = clamp(b >> precisionBits);
      } else {
        let sum = half;
        for (let i = 0, at = source; i < n; i++, at += step) {
          sum = (sum + Math.imul(byteAt(input, at), integerAt(values, base + i))) | 0;
        }
        output[target] = clamp(sum >> precisionBits);
      }
    }
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
    const weights = weightsFor(picture.width, width);
    pass(data, out, weights, channels, picture.height, channels, picture.width * channels, channels, width * channels);
    data = out;
  }
  if (picture.height !== height) {
    const out = new Uint8Array(height * width * channels);
    const row = width * channels;
    pass(data, out, weightsFor(picture.height, height), channels, width, row, channels, row, channels);
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
