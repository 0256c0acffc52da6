import { valueAt } from '../common/typed-item.js';
import type { FloatPicture } from './gaussian-blur.js';

/**
 * Quantisation tables of ITU-T T.81, annex K, in rows: what every common encoder scales by its quality.
 * The loss of baseline JPEG is this quantisation; what follows it in an encoder loses nothing.
 */
const lumaTable = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
  87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
] as const;
const chromaTable = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99,
] as const;

/** The tables at a quality of 1 to 100, as the Independent JPEG Group's library scales them. */
function scaled(table: readonly number[], quality: number): Float64Array {
  const percent = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  return Float64Array.from(table, (step) => Math.max(1, Math.min(255, Math.floor((step * percent + 50) / 100))));
}

/** `dct[k * 8 + x]`: the cosine of frequency k at x, orthonormal. */
const dct = Float64Array.from({ length: 64 }, (_, i) => {
  const [k, x] = [Math.floor(i / 8), i % 8];
  return Math.sqrt(k === 0 ? 1 / 8 : 1 / 4) * Math.cos(((2 * x + 1) * k * Math.PI) / 16);
});
const inverse = Float64Array.from({ length: 64 }, (_, i) => valueAt(dct, (i % 8) * 8 + Math.floor(i / 8)));

/**
 * What is lost when a picture is written as JPEG and read again, in place: values are whole numbers of 0 to 255 afterwards.
 * Colour is halved in both directions, as encoders do at such qualities. It knows no encoder, so that its bits are those of
 * any host and version.
 * @param quality 1 to 100, as the Independent JPEG Group's library counts
 */
export function jpegLoss({ width, height, channels, data }: FloatPicture, quality: number): void {
  if (channels === 1) {
    const plane = { width, height, values: data };
    quantise(plane, scaled(lumaTable, quality));
    return;
  }
  const area = width * height;
  const [y, cb, cr] = [new Float32Array(area), new Float32Array(area), new Float32Array(area)];
  for (let i = 0; i < area; i++) {
    const [r, g, b] = [valueAt(data, 3 * i), valueAt(data, 3 * i + 1), valueAt(data, 3 * i + 2)];
    y[i] = 0.299 * r + 0.587 * g + 0.114 * b;
    cb[i] = 128 - 0.168735892 * r - 0.331264108 * g + 0.5 * b;
    cr[i] = 128 + 0.5 * r - 0.418687589 * g - 0.081312411 * b;
  }
  quantise({ width, height, values: y }, scaled(lumaTable, quality));
  const [blue, red] = [cb, cr].map((values) => {
    const half = halved({ width, height, values });
    quantise(half, scaled(chromaTable, quality));
    return doubled(half, width, height);
  });
  if (blue === undefined || red === undefined) return;
  for (let i = 0; i < area; i++) {
    const [luma, u, v] = [valueAt(y, i), valueAt(blue, i) - 128, valueAt(red, i) - 128];
    data[3 * i] = byte(luma + 1.402 * v);
    data[3 * i + 1] = byte(luma - 0.344136286 * u - 0.714136286 * v);
    data[3 * i + 2] = byte(luma + 1.772 * u);
  }
}

interface Plane {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

const byte = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));

/** Brings a plane to what its blocks of 8 by 8 are after quantisation. A block that is cut off repeats the plane's edge. */
function quantise({ width, height, values }: Plane, steps: Float64Array): void {
  const [block, frequencies] = [new Float64Array(64), new Float64Array(64)];
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      for (let i = 0; i < 64; i++) {
        const y = Math.min(height - 1, top + Math.floor(i / 8));
        const x = Math.min(width - 1, left + (i % 8));
        block[i] = byte(valueAt(values, y * width + x)) - 128;
      }
      transform(block, frequencies, dct);
      for (let i = 0; i < 64; i++) {
        const step = valueAt(steps, i);
        frequencies[i] = Math.round(valueAt(frequencies, i) / step) * step;
      }
      transform(frequencies, block, inverse);
      const [bottom, right] = [Math.min(8, height - top), Math.min(8, width - left)];
      for (let y = 0; y < bottom; y++) {
        for (let x = 0; x < right; x++) {
          values[(top + y) * width + left + x] = byte(valueAt(block, y * 8 + x) + 128);
        }
      }
    }
  }
}

const rows = new Float64Array(64);
/** `basis` times block times `basis` transposed. */
function transform(block: Float64Array, out: Float64Array, basis: Float64Array): void {
  for (let y = 0; y < 8; y++) {
    for (let k = 0; k < 8; k++) {
      let sum = 0;
      for (let x = 0; x < 8; x++) sum += valueAt(block, y * 8 + x) * valueAt(basis, k * 8 + x);
      rows[y * 8 + k] = sum;
    }
  }
  for (let k = 0; k < 8; k++) {
    for (let x = 0; x < 8; x++) {
      let sum = 0;
      for (let y = 0; y < 8; y++) sum += valueAt(rows, y * 8 + x) * valueAt(basis, k * 8 + y);
      out[k * 8 + x] = sum;
    }
  }
}

/** Means of two by two pixels; a row or column that is cut off repeats the edge. */
function halved({ width, height, values }: Plane): Plane {
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const half = new Float32Array(w * h);
  for (let y = 0; y < h; y++) {
    const [upper, lower] = [2 * y * width, Math.min(height - 1, 2 * y + 1) * width];
    for (let x = 0; x < w; x++) {
      const [left, right] = [2 * x, Math.min(width - 1, 2 * x + 1)];
      const sum =
        valueAt(values, upper + left) +
        valueAt(values, upper + right) +
        valueAt(values, lower + left) +
        valueAt(values, lower + right);
      half[y * w + x] = sum / 4;
    }
  }
  return { width: w, height: h, values: half };
}

/** Each pixel from the four nearest of the half-size plane: 9, 3, 3 and 1 sixteenths, as decoders do. */
function doubled({ width: w, height: h, values }: Plane, width: number, height: number): Float32Array {
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const near = y >> 1;
    const far = Math.max(0, Math.min(h - 1, near + (y % 2 === 0 ? -1 : 1)));
    for (let x = 0; x < width; x++) {
      const here = x >> 1;
      const there = Math.max(0, Math.min(w - 1, here + (x % 2 === 0 ? -1 : 1)));
      const upper = 3 * valueAt(values, near * w + here) + valueAt(values, far * w + here);
      const side = 3 * valueAt(values, near * w + there) + valueAt(values, far * w + there);
      out[y * width + x] = (3 * upper + side) / 16;
    }
  }
  return out;
}
