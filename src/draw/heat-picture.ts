import { byteAt, valueAt } from '../common/typed-item.js';
import { type Picture, resizeBilinear, toLuma } from '../image/index.js';
import { heatRamp } from './ramp.js';

/** A map over a picture, row by row from the top left corner. */
export interface HeatMap {
  readonly side: number;
  /** [side side], none negative. */
  readonly values: Float32Array;
  /** The value that gets the brightest colour; default: the highest. 0 is the darkest. */
  readonly top?: number;
}

/**
 * A picture under a map, such as the attention of an explanation: gray, darkened, and lit in colour where the map is high. The
 * map is enlarged smoothly; its true resolution is `side`.
 * @returns RGB, as large as the picture
 */
export function heatPicture(picture: Picture, map: HeatMap): Picture {
  const { side } = map;
  const { width, height } = picture;
  const levels = resizeBilinear({ width: side, height: side, channels: 1, data: heatLevels(map) }, width, height);
  return { width, height, channels: 3, data: lit(picture, levels.data) };
}

/** Each value's colour, as an index of the ramp. */
export function heatLevels({ values, top }: HeatMap): Uint8Array {
  const highest = top ?? values.reduce((a, b) => Math.max(a, b), 0);
  return Uint8Array.from(values, (value) => (highest > 0 ? Math.round(255 * Math.min(1, value / highest)) : 0));
}

/**
 * The light is multiplied with the picture, so that eyes and mouth can be seen in it, however bright it is.
 * @param levels an index of the ramp for each pixel
 * @returns RGB
 */
export function lit(picture: Picture, levels: Picture['data']): Uint8Array {
  const gray = toLuma(picture).data;
  const out = new Uint8Array(3 * gray.length);
  for (let i = 0; i < gray.length; i++) {
    const luma = byteAt(gray, i);
    const level = byteAt(levels, i);
    const opacity = valueAt(opacities, level);
    const light = 0.3 + 0.7 * (luma / 255);
    for (let c = 0; c < 3; c++) {
      out[3 * i + c] = (1 - opacity) * 0.55 * luma + opacity * light * byteAt(heatRamp, 3 * level + c);
    }
  }
  return out;
}

/** Of the colour over the picture, for each level. */
const opacities = Float64Array.from({ length: 256 }, (_, level) => 0.85 * (level / 255) ** 0.8);
