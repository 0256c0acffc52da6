import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { precisionBits, weightsFor } from './triangle-filter.js';

/** Pictures [n, C, S, S] of one network's input as those of another. */
export type InputConversion = (images: Float32Array, n: number) => Float32Array;

/** Weights of red, green and blue in luma: ITU-R 601, as `toLuma` has them. */
const luma = [0.299, 0.587, 0.114] as const;

/** Whether two networks take the same values: then {@link inputConversion} gives its argument back. */
function sameInput(from: Preprocessing, to: Preprocessing): boolean {
  const same = (a: readonly number[], b: readonly number[]): boolean => a.every((value, c) => value === b[c]);
  return (
    from.imageSize === to.imageSize &&
    from.channels === to.channels &&
    same(from.mean, to.mean) &&
    same(from.std, to.std)
  );
}

/**
 * Makes pictures that were prepared for one network those of another: normalisation is undone, colour becomes gray or gray
 * three equal channels, the size is changed (`resizePlane`), and the other normalisation is done. Values are rounded to
 * float32 at the end only. Where the crops lie otherwise, they stay so.
 * @throws UserError (kind `usage`) where mean and std do not fit the channels.
 */
export function inputConversion(from: Preprocessing, to: Preprocessing): InputConversion {
  checkNormalisation(from);
  checkNormalisation(to);
  if (sameInput(from, to)) return (images) => images;
  const [source, target] = [from.imageSize ** 2, to.imageSize ** 2];
  return (images, n) => {
    const converted = new Float32Array(n * to.channels * target);
    for (let i = 0; i < n; i++) {
      const planes = planesOf(images, i * from.channels * source, from);
      const chosen = to.channels === 1 ? [grayOf(planes)] : planes;
      const resized = chosen.map((plane) => resizePlane(plane, from.imageSize, to.imageSize));
      for (let c = 0; c < to.channels; c++) {
        const plane = itemAt(resized, resized.length === 1 ? 0 : c);
        const [mean, std] = [itemAt(to.mean, c), itemAt(to.std, c)];
        const at = (i * to.channels + c) * target;
        for (let k = 0; k < target; k++) converted[at + k] = (itemAt(plane, k) - mean) / std;
      }
    }
    return converted;
  };
}

function checkNormalisation({ channels, mean, std }: Preprocessing): void {
  if (mean.length === channels && std.length === channels && std.every((value) => value > 0)) return;
  throw new UserError(
    `Pictures of ${channels} channels need as many means and standard deviations above 0, not ${mean.length} and ${std.length}.`,
    'usage',
  );
}

/** The channels of one picture, with values as they were before normalisation. */
function planesOf(images: Float32Array, offset: number, { imageSize, channels, mean, std }: Preprocessing): Plane[] {
  const area = imageSize ** 2;
  return Array.from({ length: channels }, (_, c) => {
    const [middle, scale] = [itemAt(mean, c), itemAt(std, c)];
    return Float64Array.from(images.subarray(offset + c * area, offset + (c + 1) * area), (v) => v * scale + middle);
  });
}

type Plane = Float64Array;

function grayOf(planes: readonly Plane[]): Plane {
  const [red, green, blue] = planes;
  const only = itemAt(planes, 0);
  if (red === undefined || green === undefined || blue === undefined) return only;
  return red.map((r, k) => luma[0] * r + luma[1] * itemAt(green, k) + luma[2] * itemAt(blue, k));
}

/**
 * A square plane in another size, with the filter of `resizeBilinear` and without rounding to 8 bits: antialiased when
 * shrinking.
 */
export function resizePlane(plane: Float64Array, from: number, to: number): Float64Array {
  if (from === to) return plane;
  // Each pass turns the plane over its diagonal, so two passes are both axes.
  return resizeRows(resizeRows(plane, from, from, to), to, from, to);
}

/** [rows, from] -> [to, rows] */
function resizeRows(plane: Float64Array, rows: number, from: number, to: number): Float64Array {
  const { first, count, values, stride } = weightsFor(from, to);
  const turned = new Float64Array(to * rows);
  for (let out = 0; out < to; out++) {
    const start = itemAt(first, out);
    const taps = itemAt(count, out);
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let i = 0; i < taps; i++) sum += itemAt(values, out * stride + i) * itemAt(plane, row * from + start + i);
      turned[out * rows + row] = sum / 2 ** precisionBits;
    }
  }
  return turned;
}
