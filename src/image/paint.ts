import { increase, itemAt } from '../common/item-at.js';
import type { Picture } from './resize.js';

/** The mean of each channel. */
export function meanOf({ channels, data }: Picture): readonly number[] {
  const sums = Array.from({ length: channels }, () => 0);
  data.forEach((value, i) => {
    increase(sums, i % channels, value);
  });
  return sums.map((sum) => (sum * channels) / data.length);
}

/** A box by its centre, as fractions of a picture's sides. */
export interface CentredBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A picture with a box in its mean colour; what of the box lies beyond the picture is left out. */
export function painted(picture: Picture, box: CentredBox): Picture {
  const { width, height, channels } = picture;
  const colour = meanOf(picture).map(Math.round);
  const data = Uint8Array.from(picture.data);
  const range = (middle: number, extent: number, side: number): readonly [number, number] => [
    Math.max(0, Math.round((middle - extent / 2) * side)),
    Math.min(side, Math.round((middle + extent / 2) * side)),
  ];
  const [left, right] = range(box.x, box.width, width);
  const [top, bottom] = range(box.y, box.height, height);
  for (let y = top; y < bottom; y++) {
    for (let at = (y * width + left) * channels; at < (y * width + right) * channels; at++) {
      data[at] = itemAt(colour, at % channels);
    }
  }
  return { ...picture, data };
}
