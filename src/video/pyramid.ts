import { type Face, type Keypoints, scaledFace } from '../detect/index.js';
import type { Picture } from '../image/resize.js';

/** A frame, and the same in half, a quarter, ... of its size: large faces are read from small pictures, in little time. */
export type Pyramid = readonly [Picture, ...Picture[]];

/** No picture of the pyramid has a shorter long side. */
const leastSide = 480;

/** Makes pyramids of frames; each call overwrites what the one before gave, less the frame itself. */
export class PyramidMaker {
  #buffers: Uint8Array[] = [];

  of(picture: Picture): Pyramid {
    const levels: Picture[] = [];
    let last = picture;
    while (Math.max(last.width, last.height) >= 2 * leastSide && Math.min(last.width, last.height) >= 2) {
      const [width, height] = [last.width >> 1, last.height >> 1];
      const bytes = width * height * last.channels;
      const known = this.#buffers[levels.length];
      const data = known?.length === bytes ? known : new Uint8Array(bytes);
      this.#buffers[levels.length] = data;
      halve(last, data);
      last = { width, height, channels: last.channels, data };
      levels.push(last);
    }
    return [picture, ...levels];
  }
}

/** Each pixel the mean of four; an odd last row or column is left out. */
function halve({ width, height, channels, data }: Picture, out: Uint8Array): void {
  if (data.length < width * height * channels)
    throw new RangeError(`a picture of ${width} x ${height} has ${data.length} values`);
  // So no read is outside of it; a check for each takes a third longer.
  const row = width * channels;
  const outWidth = width >> 1;
  const outHeight = height >> 1;
  for (let y = 0; y < outHeight; y++) {
    for (let c = 0; c < channels; c++) {
      let from = 2 * y * row + c;
      let to = y * outWidth * channels + c;
      for (let x = 0; x < outWidth; x++, from += 2 * channels, to += channels) {
        const above = (data[from] as number) + (data[from + channels] as number);
        const below = (data[from + row] as number) + (data[from + row + channels] as number);
        out[to] = (above + below + 2) >> 2;
      }
    }
  }
}

/** The smallest picture with a long side of at least `side`, else the largest. */
export function levelOf(pyramid: Pyramid, side: number): Picture {
  return pyramid.findLast(({ width, height }) => Math.max(width, height) >= side) ?? pyramid[0];
}

/** Points of the frame in a picture of its pyramid. */
export function inLevel(pyramid: Pyramid, level: Picture, keypoints: Keypoints): Keypoints {
  const [{ width, height }] = pyramid;
  const face = { box: { x: 0, y: 0, width, height }, score: 1, keypoints };
  return scaledFace(face, level.width / width, level.height / height).keypoints;
}

/** A face of a picture of the pyramid in the frame. */
export function inFrame(pyramid: Pyramid, level: Picture, face: Face): Face {
  const [{ width, height }] = pyramid;
  return scaledFace(face, width / level.width, height / level.height);
}
