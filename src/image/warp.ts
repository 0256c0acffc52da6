import { byteAt } from '../common/typed-item.js';
import { type Picture, resizeBilinear } from './resize.js';
import { inverse, type Similarity } from './similarity.js';

/** What lies beyond a picture: its border's pixels go on, or black. */
export type Border = 'edge' | 'black';

/** Above this many source pixels an output pixel, the source is shrunk first: time then does not grow with the picture. */
const maxRatio = 4;
/** Above this many, no source is too small to be shrunk: the work at an output pixel grows with the square of it. */
const maxSmallRatio = 4 * maxRatio;
/** How far from a picture, in its pixels, an output may lie. Beyond 2^53 a count of pixels no longer counts. */
const farthest = 2 ** 40;

/**
 * A picture seen through a similarity, sampled with a triangle filter that is as wide as an output pixel when shrinking
 * (antialiasing) and as a source pixel when enlarging; without rotation that is what `resizeBilinear` does.
 * @param transform from the picture's pixels to the output's
 * @param width, height whole numbers from 1
 * @throws RangeError for other sides, and where it shrinks to nothing, enlarges without end or moves the picture out of reach
 */
export function warp(
  picture: Picture,
  transform: Similarity,
  width: number,
  height: number,
  border: Border = 'edge',
): Picture {
  if (![width, height].every((side) => Number.isSafeInteger(side) && side >= 1)) {
    throw new RangeError(`a picture cannot be warped to ${width} x ${height} pixels`);
  }
  const ratio = 1 / Math.hypot(transform.a, transform.b);
  if (!(ratio > 0 && ratio < Number.POSITIVE_INFINITY)) throw new RangeError('a picture cannot be warped to nothing');
  const { tx, ty } = inverse(transform);
  if (!(Math.abs(tx) <= farthest && Math.abs(ty) <= farthest)) {
    throw new RangeError('a picture cannot be warped to where it is out of reach');
  }
  if (ratio > maxSmallRatio || (ratio > maxRatio && Math.max(picture.width, picture.height) > maxRatio)) {
    const { shrunk, toShrunk } = shrink(picture, transform, width, height, ratio / maxRatio);
    if (shrunk.width === 1 && shrunk.height === 1) {
      // It cannot be shrunk further, however much of what is beyond it an output pixel covers: its border is the same everywhere.
      if (border === 'edge') return filled(shrunk, width, height);
      // Of black, it is less than a 256th then.
      if (1 / Math.hypot(toShrunk.a, toShrunk.b) > maxSmallRatio) {
        return filled({ ...shrunk, data: new Uint8Array(shrunk.channels) }, width, height);
      }
    }
    return sample(shrunk, toShrunk, width, height, border);
  }
  return sample(picture, transform, width, height, border);
}

/** The part that is seen, `factor` times smaller, and the transform from it. */
function shrink(
  picture: Picture,
  transform: Similarity,
  width: number,
  height: number,
  factor: number,
): { readonly shrunk: Picture; readonly toShrunk: Similarity } {
  const { a, b, tx, ty } = inverse(transform);
  const margin = 2 * factor;
  const corner = (x: number, y: number): readonly [number, number] => [a * x - b * y + tx, b * x + a * y + ty];
  const corners = [corner(0, 0), corner(width, 0), corner(0, height), corner(width, height)];
  const range = (axis: 0 | 1, size: number): readonly [number, number] => {
    const along = corners.map((point) => point[axis]);
    const from = Math.max(0, Math.min(size - 1, Math.floor(Math.min(...along) - margin)));
    return [from, Math.max(from + 1, Math.min(size, Math.ceil(Math.max(...along) + margin)))];
  };
  const [x0, x1] = range(0, picture.width);
  const [y0, y1] = range(1, picture.height);
  const shrunkSide = (side: number): number => Math.max(1, Math.round(side / factor));
  const [w, h] = [shrunkSide(x1 - x0), shrunkSide(y1 - y0)];
  const shrunk = resizeBilinear(crop(picture, x0, y0, x1 - x0, y1 - y0), w, h);
  // Sides are rounded to whole pixels; the mean of both factors keeps it a similarity (off by less than half a pixel).
  const scale = ((x1 - x0) / w + (y1 - y0) / h) / 2;
  const toShrunk = {
    a: transform.a * scale,
    b: transform.b * scale,
    tx: transform.a * x0 - transform.b * y0 + transform.tx,
    ty: transform.b * x0 + transform.a * y0 + transform.ty,
  };
  return { shrunk, toShrunk };
}

/** A part of a picture, which must lie within it. */
export function crop({ width, channels, data }: Picture, x: number, y: number, w: number, h: number): Picture {
  const out = new Uint8Array(w * h * channels);
  for (let row = 0; row < h; row++) {
    const start = ((y + row) * width + x) * channels;
    out.set(data.subarray(start, start + w * channels), row * w * channels);
  }
  return { width: w, height: h, channels, data: out };
}

/** A picture all in the colour of one pixel. */
function filled({ channels, data }: Picture, width: number, height: number): Picture {
  const out = new Uint8Array(width * height * channels);
  for (let at = 0; at < out.length; at += channels) out.set(data, at);
  return { width, height, channels, data: out };
}

function sample(picture: Picture, transform: Similarity, width: number, height: number, border: Border): Picture {
  const { channels, data } = picture;
  const { a, b, tx, ty } = inverse(transform);
  const ratio = Math.hypot(a, b);
  // Axes of the output in the source, of length 1, and how far the filter reaches along them.
  const [ax, ay] = [a / ratio, b / ratio];
  const support = Math.max(1, ratio);
  const reach = support * (Math.abs(ax) + Math.abs(ay));
  const out = new Uint8Array(width * height * channels);
  const [lastX, lastY] = [picture.width - 1, picture.height - 1];
  const black = border === 'black';
  let target = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const cx = a * (x + 0.5) - b * (y + 0.5) + tx;
      const cy = b * (x + 0.5) + a * (y + 0.5) + ty;
      let red = 0;
      let green = 0;
      let blue = 0;
      let sum = 0;
      const fromY = Math.ceil(cy - reach - 0.5);
      const fromX = Math.ceil(cx - reach - 0.5);
      const toY = Math.floor(cy + reach - 0.5);
      const toX = Math.floor(cx + reach - 0.5);
      const within = fromX >= 0 && fromY >= 0 && toX <= lastX && toY <= lastY;
      for (let sy = fromY; sy <= toY; sy++) {
        const dy = sy + 0.5 - cy;
        const along = ay * dy;
        const across = ax * dy;
        for (let sx = fromX; sx <= toX; sx++) {
          const dx = sx + 0.5 - cx;
          const u = 1 - Math.abs(ax * dx + along) / support;
          const v = 1 - Math.abs(across - ay * dx) / support;
          if (u <= 0 || v <= 0) continue;
          const weight = u * v;
          sum += weight;
          let at = (sy * picture.width + sx) * channels;
          if (!within) {
            if (black && (sx < 0 || sx > lastX || sy < 0 || sy > lastY)) continue;
            at = (Math.max(0, Math.min(lastY, sy)) * picture.width + Math.max(0, Math.min(lastX, sx))) * channels;
          }
          red += weight * byteAt(data, at);
          if (channels === 3) {
            green += weight * byteAt(data, at + 1);
            blue += weight * byteAt(data, at + 2);
          }
        }
      }
      out[target++] = red / sum + 0.5;
      if (channels === 3) {
        out[target++] = green / sum + 0.5;
        out[target++] = blue / sum + 0.5;
      }
    }
  }
  return { width, height, channels, data: out };
}
