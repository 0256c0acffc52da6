import { UserError } from '../common/errors.js';
import { type Picture, toLuma } from './resize.js';

/** What becomes of a face crop of low contrast: spread over all values, or taken as it is. */
export type LowContrast = 'stretch' | 'keep';

/** Programs without types may pass anything. @throws UserError */
export function checkLowContrast(treatment: unknown): asserts treatment is LowContrast {
  if (treatment === 'stretch' || treatment === 'keep') return;
  throw new UserError(`Low contrast cannot be treated by '${treatment}'; give stretch or keep.`, 'usage');
}

/** A face crop, and whether its contrast was low before anything was done about it. */
export interface FaceCrop extends Picture {
  readonly lowContrast: boolean;
}

/**
 * Contrast below this is low: the middle 98% of the luma lie within fewer values, of 256. `bench/contrast.ts` measures what
 * stretching brings, and which undamaged pictures it touches.
 */
export const lowContrastBelow = 96;

/** Luma values at the 1st and 99th percentile, from 0 to 255. */
interface TonalRange {
  readonly low: number;
  readonly high: number;
}

/**
 * A crop with the answer to whether its contrast is low. If so, `stretch` brings the 1st percentile of its luma to 0 and the
 * 99th to 255, by the same factor in all channels. A dark face, a washed-out one, and one from a file that uses few of its
 * values then look alike. Other crops keep their values, and so does one that has a single value.
 */
export function withContrast(picture: Picture, treatment: LowContrast): FaceCrop {
  const { low, high } = tonalRange(picture);
  const lowContrast = high - low < lowContrastBelow;
  if (!lowContrast || treatment === 'keep' || high === low) return { ...picture, lowContrast };
  const stretched = new Uint8ClampedArray(picture.data.length);
  const factor = 255 / (high - low);
  picture.data.forEach((value, i) => {
    stretched[i] = (value - low) * factor;
  });
  return { ...picture, data: new Uint8Array(stretched.buffer), lowContrast };
}

function tonalRange(picture: Picture): TonalRange {
  const { data } = toLuma(picture);
  const counts = new DataView(new ArrayBuffer(4 * 256));
  for (const value of data) counts.setUint32(4 * value, counts.getUint32(4 * value) + 1);
  const beyond = Math.floor(data.length / 100);
  let [low, high] = [0, 255];
  for (let below = counts.getUint32(0); below <= beyond && low < 255; below += counts.getUint32(4 * low)) low++;
  for (let above = counts.getUint32(4 * 255); above <= beyond && high > 0; above += counts.getUint32(4 * high)) high--;
  return { low, high };
}
