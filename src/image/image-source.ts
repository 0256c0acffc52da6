import { UserError } from '../common/errors.js';
import type { FileSource } from '../common/file-source.js';
import { typeInWords } from '../common/type-in-words.js';
import { byteAt } from '../common/typed-item.js';
import { maxPixels } from './picture-limits.js';
import type { Picture } from './resize.js';

/** The file of a picture. */
export type EncodedImage = FileSource;

/** Pixels of 8 bits in rows from the top: `data[(y * width + x) * channels + c]`. */
export interface RawImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** Gray, RGB or RGBA, alpha not multiplied in. Default 4, as the browser's ImageData. */
  readonly channels?: 1 | 3 | 4;
}

/**
 * Pictures that are no files, by the names of their types. A host that has more of them, such as a page's canvas, adds them where it
 * reads them: `src/web/decode/dom-pictures.ts`.
 */
export interface PictureObjects {
  readonly RawImage: RawImage;
}

/** A picture that is no file: its pixels are there. */
export type PictureObject = PictureObjects[keyof PictureObjects];

/**
 * A picture from outside: path, `file:` or `http(s):` URL, bytes of a file, Blob, ImageData or raw pixels. In browsers also an
 * image, a canvas, a video or a frame of one, as `DomPictures` lists them.
 */
export type ImageSource = EncodedImage | PictureObject;

/** Pictures that only one host has, on their way to another thread of it, by the names of their types. */
export interface SentPictureObjects {
  readonly none: never;
}

export type SentPictureObject = SentPictureObjects[keyof SentPictureObjects];

/** What becomes of transparency: blended with white, as a page shows it, or dropped, as networks were trained. */
export type Transparency = 'white' | 'drop';

export interface DecodeRequest {
  readonly transparency: Transparency;
  /** What errors call a picture that has no path or address. */
  readonly name: string;
  readonly signal?: AbortSignal;
  /** Whether the picture is waited for by now: one that is decoded ahead lets others go first where memory is short. */
  readonly urgent?: () => boolean;
  /** Pictures of this host alone (`Host.pictureReader`) are shrunk to so many pixels on their longer side. */
  readonly maxSide?: number;
}

export interface DecodedImage {
  /** Upright, RGB or gray. */
  readonly picture: Picture;
  /** Frames or pages that the file has; the picture is the first. */
  readonly frames: number;
}

/**
 * Decodes pictures: in Node by sharp (`decode-image.ts`), elsewhere by what is there.
 * @throws UserError that says what is wrong with the picture.
 */
export type ImageDecoder = (image: EncodedImage, request: DecodeRequest) => Promise<DecodedImage>;

/** What can hold a picture on Node, in words. */
const anyPicture = 'a path, URL, Buffer, ArrayBuffer, Blob, ImageData or { data, width, height, channels }';

/**
 * @param kinds what can hold a picture, in words
 * @throws UserError where a value is nothing that can hold a picture, which programs without types may pass.
 */
export function checkImage(
  image: unknown,
  name: string,
  kinds: string = anyPicture,
): asserts image is EncodedImage | RawImage {
  const isBytes = image instanceof Uint8Array || image instanceof ArrayBuffer || image instanceof Blob;
  if (typeof image === 'string' || image instanceof URL || isBytes) return;
  if (typeof image === 'object' && image !== null && 'data' in image && 'width' in image && 'height' in image) return;
  throw new UserError(`${name} is ${typeInWords(image)}, not a picture; pass ${kinds}.`);
}

/**
 * The pixels of a picture that must have been decoded before, such as a frame.
 * @throws UserError for anything else.
 */
export function decodedPicture(image: unknown, name: string): Picture {
  checkImage(image, name);
  if (!isRawImage(image)) {
    throw new UserError(`${name} is not decoded; pass an ImageData or { data, width, height, channels }.`);
  }
  return pictureOf(image, { name, transparency: 'white' });
}

export function isRawImage(image: ImageSource): image is RawImage {
  return typeof image === 'object' && 'data' in image && 'width' in image && 'height' in image;
}

/**
 * Raw pixels as a picture. RGB and gray are not copied.
 * @throws UserError where the numbers do not fit.
 */
export function pictureOf(image: RawImage, { name, transparency }: DecodeRequest): Picture {
  const { width, height, channels = 4, data } = image;
  const bits8 = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (!bits8 || ![1, 3, 4].includes(channels)) {
    throw new UserError(
      `${name} has ${bits8 ? `${channels} channels` : 'pixels that are no 8-bit numbers'}; pass a Uint8Array of gray (1), RGB (3) or RGBA (4).`,
    );
  }
  const wanted = width * height * channels;
  const whole = [width, height].every((side) => Number.isSafeInteger(side) && side >= 1);
  if (!whole || data.length !== wanted) {
    throw new UserError(
      `${name} has ${data.length} values, not the ${width} x ${height} x ${channels} of its size; pass 8-bit pixels without padding.`,
    );
  }
  checkPixels({ width, height }, name);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  if (channels !== 4) return { width, height, channels, data: bytes };
  return { width, height, channels: 3, data: withoutAlpha(bytes, transparency) };
}

/** @throws UserError for more pixels than are accepted. */
export function checkPixels(size: Pick<Picture, 'width' | 'height'>, name: string): void {
  const problem = pixelsProblem(size);
  if (problem !== undefined) throw new UserError(`${name} ${problem}`);
}

/** The rest of a sentence about a picture of more pixels than are accepted; undefined for others. */
export function pixelsProblem({ width, height }: Pick<Picture, 'width' | 'height'>): string | undefined {
  if (width * height <= maxPixels) return undefined;
  return `is ${width} x ${height} pixels, more than the ${maxPixels / 1e6} megapixels that are accepted; pass it smaller.`;
}

function withoutAlpha(rgba: Uint8Array, transparency: Transparency): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = transparency === 'white' ? (rgba[from + 3] ?? 255) : 255;
    for (let c = 0; c < 3; c++) {
      const value = byteAt(rgba, from + c);
      rgb[to + c] = alpha === 255 ? value : Math.round((value * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  return rgb;
}
