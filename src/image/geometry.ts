import type { Random } from '../common/random.js';
import { valueAt } from '../common/typed-item.js';
import type { Augmentation } from './augmentation.js';
import type { InputFormat } from './input-format.js';

/** How a picture moves, as drawn: mirrored, turned, zoomed and shifted about its centre; of that, a square is cut out. */
export interface Movement {
  readonly flip: boolean;
  /** Radians, counter-clockwise on the screen. */
  readonly angle: number;
  readonly zoom: number;
  /** Pixels. */
  readonly shiftX: number;
  readonly shiftY: number;
  /** Side of the square as a fraction of the picture's. */
  readonly crop: number;
  /** Pixels from the picture's centre to the square's. */
  readonly cropX: number;
  readonly cropY: number;
}

/** A square anywhere in the picture. Its own stream: runs that cut none draw the rest as before. */
export function drawCrop(
  { cropScale: [from, to] }: Augmentation,
  size: number,
  stream: () => Random,
): Pick<Movement, 'crop' | 'cropX' | 'cropY'> {
  if (from === 1 && to === 1) return { crop: 1, cropX: 0, cropY: 0 };
  const drawn = stream();
  const crop = drawn.uniform(from, to);
  const free = (size * (1 - crop)) / 2;
  return { crop, cropX: drawn.uniform(-free, free), cropY: drawn.uniform(-free, free) };
}

export const moves = ({ angle, zoom, shiftX, shiftY, crop }: Movement): boolean =>
  angle !== 0 || zoom !== 1 || shiftX !== 0 || shiftY !== 0 || crop !== 1;

/**
 * A picture (HWC) moved, in one bilinear pass: each output pixel looks up where it came from. Coordinates beyond the border
 * take the border's pixel.
 */
export function resample(
  picture: Uint8Array | Float32Array,
  { size, channels }: Pick<InputFormat, 'size' | 'channels'>,
  movement: Movement,
): Float32Array {
  const values = new Float32Array(size * size * channels);
  const center = (size - 1) / 2;
  const last = size - 1;
  const { crop, cropX, cropY } = movement;
  const cos = Math.cos(movement.angle) / movement.zoom;
  const sin = Math.sin(movement.angle) / movement.zoom;
  const mirror = movement.flip ? -1 : 1;
  let target = 0;
  for (let y = 0; y < size; y++) {
    const v = (y - center) * crop + cropY - movement.shiftY;
    for (let x = 0; x < size; x++) {
      const u = (x - center) * crop + cropX - movement.shiftX;
      // The inverse of: mirror, turn by `angle` (y points down), zoom, shift.
      const sourceX = Math.max(0, Math.min(last, center + mirror * (cos * u - sin * v)));
      const sourceY = Math.max(0, Math.min(last, center + sin * u + cos * v));
      const x0 = Math.floor(sourceX);
      const y0 = Math.floor(sourceY);
      const fx = sourceX - x0;
      const fy = sourceY - y0;
      const top = (y0 * size + x0) * channels;
      const right = x0 < last ? channels : 0;
      const down = y0 < last ? size * channels : 0;
      for (let c = 0; c < channels; c++) {
        const at = top + c;
        const a = valueAt(picture, at);
        const b = valueAt(picture, at + right);
        const d = valueAt(picture, at + down);
        const e = valueAt(picture, at + down + right);
        const upper = a + (b - a) * fx;
        values[target++] = upper + (d + (e - d) * fx - upper) * fy;
      }
    }
  }
  return values;
}

/** A picture (HWC) as numbers, mirrored where `flip` says so. */
export function flipped(picture: Uint8Array, { size, channels }: InputFormat, flip: boolean): Float32Array {
  const values = Float32Array.from(picture);
  if (!flip) return values;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let c = 0; c < channels; c++) {
        values[(y * size + x) * channels + c] = valueAt(picture, (y * size + size - 1 - x) * channels + c);
      }
    }
  }
  return values;
}
