import { byteAt } from '../common/typed-item.js';
import type { Picture } from '../image/resize.js';
import { inverse, type Similarity, turn } from '../image/similarity.js';
import { warp } from '../image/warp.js';

/** A picture rotated about its centre on a canvas that holds all of it, amid black, and the transform back. */
export interface Rotated {
  readonly picture: Picture;
  readonly back: Similarity;
}

/** @param degrees clockwise */
export function rotated(picture: Picture, degrees: number): Rotated {
  const { width, height } = picture;
  const radians = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.abs(Math.cos(radians)), Math.abs(Math.sin(radians))];
  const [w, h] = [Math.round(width * cos + height * sin), Math.round(width * sin + height * cos)];
  const forth = turn(degrees, { x: width / 2, y: height / 2 }, { x: w / 2, y: h / 2 });
  const quarters = degrees % 90 === 0;
  return {
    picture: quarters ? rotatedByQuarters(picture, forth, w, h) : warp(picture, forth, w, h, 'black'),
    back: inverse(forth),
  };
}

/** Pixel by pixel: what the warp would give, ten times as fast. */
function rotatedByQuarters(
  { width, height, channels, data }: Picture,
  forth: Similarity,
  w: number,
  h: number,
): Picture {
  const out = new Uint8Array(data.length);
  const [a, b] = [Math.round(forth.a), Math.round(forth.b)];
  // From one pixel to the next along the picture's axes, in the output.
  const [right, down] = [a + b * w, -b + a * w];
  const first = Math.floor(a * 0.5 - b * 0.5 + forth.tx) + Math.floor(b * 0.5 + a * 0.5 + forth.ty) * w;
  let from = 0;
  for (let y = 0; y < height; y++) {
    let to = (first + y * down) * channels;
    for (let x = 0; x < width; x++, to += right * channels) {
      for (let c = 0; c < channels; c++) out[to + c] = byteAt(data, from++);
    }
  }
  return { width: w, height: h, channels, data: out };
}
