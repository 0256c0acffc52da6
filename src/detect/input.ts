import { byteAt } from '../common/typed-item.js';
import { type Picture, resizeBilinear } from '../image/resize.js';
import { sideUnit } from './detector-network.js';

/** A picture as the network takes it. */
export interface NetworkInput {
  /** [3, height, width], RGB in [-1, 1]. */
  readonly pixels: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** A picture `factor` times as large, at least a pixel. */
export function scaled(picture: Picture, factor: number): Picture {
  const side = (length: number): number => Math.max(1, Math.round(length * factor));
  return resizeBilinear(picture, side(picture.width), side(picture.height));
}

/** The picture with at least `margin` black pixels around it, and more to the right and below up to sides the network takes. */
export function networkInput(picture: Picture, margin: number): NetworkInput {
  const up = (side: number): number => Math.ceil((side + 2 * margin) / sideUnit) * sideUnit;
  const [width, height] = [up(picture.width), up(picture.height)];
  const pixels = new Float32Array(3 * width * height).fill(-1);
  writeInput(pixels, margin * width + margin, picture, width, width * height);
  return { pixels, width, height };
}

/** Writes a picture into planes of rows of `width`, from `offset`. */
export function writeInput(out: Float32Array, offset: number, picture: Picture, width: number, plane: number): void {
  const { channels, data } = picture;
  // In a gray picture the three are one.
  const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
  let from = 0;
  for (let y = 0; y < picture.height; y++) {
    let to = offset + y * width;
    for (let x = 0; x < picture.width; x++, from += channels, to++) {
      out[to] = byteAt(data, from) / 127.5 - 1;
      out[to + plane] = byteAt(data, from + green) / 127.5 - 1;
      out[to + 2 * plane] = byteAt(data, from + blue) / 127.5 - 1;
    }
  }
}
