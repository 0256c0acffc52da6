import { avifHeader } from './formats/avif.js';
import { bmpHeader, isBmp } from './formats/bmp-header.js';
import { brandsOf } from './formats/boxes.js';
import { Bytes, HeaderError } from './formats/bytes.js';
import { gifHeader, isGif } from './formats/gif.js';
import type { PictureHeader } from './formats/header.js';
import { type HeifItems, heifItems } from './formats/heif-items.js';
import { isJpeg, jpegHeader } from './formats/jpeg.js';
import { isPng, pngHeader } from './formats/png.js';
import { isTiff, tiffHeader } from './formats/tiff.js';
import { codingOf, type Unreadable, unreadableFormat } from './formats/unreadable.js';
import { isWebp, webpHeader } from './formats/webp.js';

export type { PictureHeader } from './formats/header.js';

/** What a file turns out to be. */
export type PictureKind =
  | { readonly kind: 'picture'; readonly header: PictureHeader }
  | ({ readonly kind: 'unreadable' } & Partial<Unreadable>)
  | { readonly kind: 'damaged'; readonly reason: string };

/** Formats that are told by their first bytes alone. */
export type SignedFormat = 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'TIFF' | 'BMP';

interface FormatReader {
  readonly is: (file: Bytes) => boolean;
  readonly read: (file: Bytes) => PictureHeader;
}

const readers: Readonly<Record<SignedFormat, FormatReader>> = {
  JPEG: { is: isJpeg, read: jpegHeader },
  PNG: { is: isPng, read: pngHeader },
  WebP: { is: isWebp, read: webpHeader },
  GIF: { is: isGif, read: gifHeader },
  TIFF: { is: isTiff, read: tiffHeader },
  BMP: { is: isBmp, read: bmpHeader },
};
const formats = Object.keys(readers) as readonly SignedFormat[];

/**
 * Which of these formats a file has.
 * @param first the file's beginning, 54 bytes or more
 */
export function pictureFormat(first: Uint8Array): SignedFormat | undefined {
  const file = new Bytes(first);
  return formats.find((format) => readers[format].is(file));
}

/**
 * Reads what a picture's file says about itself. Nothing is decoded, and the work is linear in the length of the file.
 * @param bytes a whole file
 */
export function readPictureHeader(bytes: Uint8Array): PictureKind {
  const file = new Bytes(bytes);
  try {
    const format = pictureFormat(bytes);
    if (format !== undefined) return { kind: 'picture', header: withLines(readers[format].read(file)) };
    const items = brandsOf(file) === undefined ? undefined : heifItems(file);
    if (items !== undefined && isAv1(items)) return { kind: 'picture', header: avifHeader(file, items) };
    return { kind: 'unreadable', ...unreadableFormat(file, items) };
  } catch (error) {
    if (!(error instanceof HeaderError)) throw error;
    return { kind: 'damaged', reason: error.message };
  }
}

/** Some hundred lines are in memory on their way from the decoder to the picture. */
const withLines = (header: PictureHeader): PictureHeader => ({
  ...header,
  memory: header.memory + header.width * lineBytes,
});
const lineBytes = 1600;

const isAv1 = (items: HeifItems): boolean => codingOf(items) === 'av01';
