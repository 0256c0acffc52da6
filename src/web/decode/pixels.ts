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
 * @throws DOMException where it cannot be decoded, or is of another origin
 */
export async function pixelsOf(source: ImageBitmapSource): Promise<ImageData> {
  const bitmap = await bitmapOf(source);
  try {
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true });
    if (context === null) throw new Error('there is no canvas');
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}
