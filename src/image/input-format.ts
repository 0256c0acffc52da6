import type { Preprocessing } from '../common/preprocessing.js';
import { byteAt, valueAt } from '../common/typed-item.js';

/** Picture and network size of `augmentInto`. */
export interface InputFormat {
  /** Side of the square picture in pixels. */
  readonly size: number;
  readonly channels: 1 | 3;
  /** `table[c * 256 + v]`: value v of channel c, normalised (`normalisation`). */
  readonly table: Float32Array;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** @throws RangeError where mean and std do not fit the channels. */
export function inputFormat(preprocessing: Preprocessing): InputFormat {
  const { imageSize: size, channels, mean, std } = preprocessing;
  const table = new Float32Array(channels * 256);
  for (let c = 0; c < channels; c++) {
    const m = mean[c];
    const s = std[c];
    if (m === undefined || s === undefined || !(s > 0)) {
      throw new RangeError(`preprocessing has no mean, or no std above 0, for channel ${c} of ${channels}`);
    }
    // Every step rounded to float32, as PyTorch's ToTensor and Normalize do.
    for (let v = 0; v < 256; v++) {
      table[c * 256 + v] = Math.fround(Math.fround(Math.fround(v / 255) - Math.fround(m)) / Math.fround(s));
    }
  }
  return { size, channels, table, mean, std };
}

/** Normalises one picture (HWC, 8 bits) into `out` at `offset` (CHW), optionally mirrored. */
export function normaliseInto(
  out: Float32Array,
  offset: number,
  picture: Uint8Array,
  format: InputFormat,
  flip = false,
): void {
  const { size, channels, table } = format;
  for (let c = 0; c < channels; c++) {
    const plane = offset + c * size * size;
    for (let y = 0; y < size; y++) {
      const row = plane + y * size;
      let at = (flip ? (y + 1) * size - 1 : y * size) * channels + c;
      const step = flip ? -channels : channels;
      for (let x = 0; x < size; x++, at += step) out[row + x] = valueAt(table, c * 256 + byteAt(picture, at));
    }
  }
}
