import { byteAt } from '../../common/typed-item.js';
import type { Picture } from '../../image/index.js';

/** Bytes of a pixel while it is read: of the bitmap, of the canvas, and of what the canvas gives. */
export const bitmapBytes = 12;

/**
 * What the browser can draw, upright, without colour management.
 * @throws DOMException where it cannot be decoded
 */
export const bitmapOf = (source: ImageBitmapSource): Promise<ImageBitmap> =>
  createImageBitmap(source, {
    imageOrientation: 'from-image',
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });

/**
 * The pixels of whatever the browser can draw, upright, without colour management.
 * @param maxSide what has a longer side is shrunk to it, in pixels
 * @throws DOMException where it cannot be decoded, or is of another origin
 */
export async function pixelsOf(source: ImageBitmapSource, maxSide = Number.POSITIVE_INFINITY): Promise<ImageData> {
  const bitmap = await bitmapOf(source);
  try {
    const scale = Math.min(1, maxSide / Math.max(bitmap.width, bitmap.height));
    const scaled = (side: number): number => Math.max(1, Math.round(scale * side));
    const [width, height] = [scaled(bitmap.width), scaled(bitmap.height)];
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (context === null) throw new Error('there is no canvas');
    context.imageSmoothingQuality = 'medium';
    context.drawImage(bitmap, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  } finally {
    bitmap.close();
  }
}

/** A picture as a canvas takes it: `context.putImageData(imageDataOf(face.crop), 0, 0)`. */
export function imageDataOf({ width, height, channels, data }: Picture): ImageData {
  const image = new ImageData(width, height);
  const out = image.data;
  // A page does this between two frames: nothing is made for a pixel.
  for (let from = 0, to = 0; to < out.length; from += channels, to += 4) {
    out[to] = byteAt(data, from);
    out[to + 1] = byteAt(data, channels === 3 ? from + 1 : from);
    out[to + 2] = byteAt(data, channels === 3 ? from + 2 : from);
    out[to + 3] = 255;
  }
  return image;
}
