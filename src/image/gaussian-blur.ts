/** Pixels as numbers of 0 to 255 (HWC). */
import { valueAt } from '../common/typed-item.js';
export interface FloatPicture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Float32Array;
}

/**
 * Blurs in place by a Gaussian, along rows and then columns. Beyond the border lies the border.
 * @param sigma standard deviation in pixels; 0 leaves the picture
 */
export function gaussianBlur({ width, height, channels, data }: FloatPicture, sigma: number): void {
  const kernel = gaussian(sigma);
  if (kernel.length === 1) return;
  const row = width * channels;
  blurLines(data, kernel, { length: width, step: channels, lines: height, lineStep: row, channels });
  blurLines(data, kernel, { length: height, step: row, lines: width, lineStep: channels, channels });
}

/** Weights of the pixels from three standard deviations on one side to as many on the other; their sum is 1. */
function gaussian(sigma: number): Float64Array {
  const radius = Math.ceil(3 * sigma);
  if (radius === 0) return Float64Array.of(1);
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-0.5 * ((i - radius) / sigma) ** 2));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

interface Lines {
  /** Pixels of a line, and the distance from one to the next. */
  readonly length: number;
  readonly step: number;
  readonly lines: number;
  readonly lineStep: number;
  readonly channels: number;
}

function blurLines(data: Float32Array, kernel: Float64Array, { length, step, lines, lineStep, channels }: Lines): void {
  const radius = (kernel.length - 1) / 2;
  // A line with what lies beyond both its ends.
  const padded = new Float64Array(length + 2 * radius);
  for (let line = 0; line < lines; line++) {
    for (let c = 0; c < channels; c++) {
      const start = line * lineStep + c;
      for (let i = 0; i < padded.length; i++) {
        padded[i] = valueAt(data, start + Math.max(0, Math.min(length - 1, i - radius)) * step);
      }
      for (let i = 0; i < length; i++) {
        let sum = 0;
        for (let k = 0; k < kernel.length; k++) sum += valueAt(kernel, k) * valueAt(padded, i + k);
        data[start + i * step] = sum;
      }
    }
  }
}
