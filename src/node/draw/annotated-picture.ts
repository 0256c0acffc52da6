import sharp, { type Sharp } from 'sharp';
import { type AnnotatedFace, type AnnotateOptions, annotate } from '../../draw/annotation.js';
import type { Picture } from '../../image/resize.js';
import { type Landmarks, landmarksSvg } from './landmarks-svg.js';

export type PictureFormat = 'png' | 'jpeg' | 'webp';

/** A picture with what was recognised drawn on it, as the bytes of a file. */
export async function annotatedPicture(
  picture: Picture,
  faces: readonly AnnotatedFace[],
  format: PictureFormat,
  options: AnnotateOptions = {},
): Promise<Buffer> {
  return encoded(composed(picture, faces, options), format);
}

/** The same as pixels, RGB. */
export async function annotatedPixels(picture: Picture, faces: readonly AnnotatedFace[]): Promise<Picture> {
  const image = composed(picture, faces).toColourspace('srgb').removeAlpha().raw();
  const { data, info } = await image.toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: 3, data };
}

function composed(picture: Picture, faces: readonly AnnotatedFace[], options: AnnotateOptions = {}): Sharp {
  const { width, height, picture: size, svg } = annotate(picture, faces, options);
  const scaled = asImage(picture).resize(size.width, size.height, { fit: 'fill' });
  // One pipeline: what is composed is at the final size.
  const extended = scaled.extend({
    right: width - size.width,
    bottom: height - size.height,
    background: '#22262d',
  });
  return extended.composite([{ input: Buffer.from(svg), left: 0, top: 0 }]);
}

/**
 * A picture with the landmarks of its faces drawn on it, as the bytes of a file.
 * @param faces 68 points a face, in pixels of the picture
 */
export function pictureWithLandmarks(
  picture: Picture,
  faces: readonly Landmarks[],
  format: PictureFormat,
): Promise<Buffer> {
  const svg = landmarksSvg(faces, picture.width, picture.height);
  return encoded(asImage(picture).composite([{ input: Buffer.from(svg), left: 0, top: 0 }]), format);
}

/** A picture as the bytes of a PNG file. */
export function pngOf(picture: Picture): Promise<Buffer> {
  return encoded(asImage(picture), 'png');
}

function asImage({ data, width, height, channels }: Picture): Sharp {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}

function encoded(image: Sharp, format: PictureFormat): Promise<Buffer> {
  if (format === 'jpeg') return image.jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer();
  return (format === 'webp' ? image.webp({ quality: 90 }) : image.png()).toBuffer();
}
