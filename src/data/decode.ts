import { readFile, stat } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { messageOf, UserError } from '../common/errors.js';
import { explainFileError, printable } from '../common/files.js';
import { bmpSize, decodeBmp, isBmp } from './bmp.js';
import { maxPixels, type Picture } from './resize.js';

export { maxPixels };
/** Files above this many bytes are refused before they are read. */
export const maxFileBytes = 256 * 1024 * 1024;

export interface DecodeOptions {
  /** Turn the picture upright as its EXIF orientation says (default true). */
  readonly orient?: boolean;
  /** How messages name a Buffer (default 'picture'); a path names itself. */
  readonly name?: string;
}

export interface SeenOptions extends DecodeOptions {
  /** What becomes of transparency: blended with white, as a page shows it (default), or dropped as in training. */
  readonly transparency?: 'white' | 'drop';
}

/** The file's bytes. @throws UserError where there is no readable, non-empty file. */
export async function readPicture(path: string): Promise<Buffer> {
  const name = printable(path, 4096);
  try {
    const info = await stat(path);
    if (info.isDirectory()) throw new UserError(`Picture ${name} is a folder; name a picture file.`);
    // Opening a pipe or a device could wait forever.
    if (!info.isFile()) throw new UserError(`Picture ${name} is not a regular file; name a picture file.`);
    if (info.size > maxFileBytes) {
      throw new UserError(
        `Picture ${name} has ${info.size} bytes, more than the ${maxFileBytes} that are accepted; save it smaller.`,
      );
    }
    return await readFile(path);
  } catch (error) {
    throw explainFileError(error, 'read', name);
  }
}

/** How the accepted formats begin. Others (SVG, which is a program that draws, and what libvips adds) are refused. */
function isKnownFormat(bytes: Buffer): boolean {
  const hex = bytes.toString('hex', 0, 4);
  return (
    hex.startsWith('ffd8ff') ||
    hex === '89504e47' ||
    hex === '47494638' ||
    ['49492a00', '4d4d002a', '49492b00', '4d4d002b'].includes(hex) ||
    (bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP') ||
    bytes.toString('latin1', 4, 8) === 'ftyp' ||
    isBmp(bytes)
  );
}

/**
 * Decodes a picture (JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP) to 8-bit RGB, as Pillow's `convert('RGB')` does: alpha is
 * dropped without blending, gray is repeated, embedded colour profiles of RGB and gray pictures are not applied; CMYK
 * becomes RGB. 16-bit values keep their high byte. Of an animation the first frame is taken.
 *
 * @throws UserError, one sentence that names the file, for a file that is missing, empty, unreadable, too large,
 * truncated, damaged or not a picture, and for a folder.
 */
export async function decodePicture(source: string | Buffer, options: DecodeOptions = {}): Promise<Picture> {
  const bytes = typeof source === 'string' ? await readPicture(source) : source;
  const name = typeof source === 'string' ? `Picture ${printable(source, 4096)}` : (options.name ?? 'The picture');
  checkFormat(bytes, name);
  if (isBmp(bytes)) return checkedBmp(bytes, name);
  try {
    return await pixelsOf(openPicture(bytes, options).removeAlpha());
  } catch (error) {
    throw new UserError(`${name} ${decodeFailure(messageOf(error))}`, undefined, { cause: error });
  }
}

/** A picture as people look at it. */
export interface SeenPicture {
  readonly picture: Picture;
  /** Frames or pages of the file; the picture is the first. */
  readonly frames: number;
}

/**
 * The same with what people want to know besides: how many frames there are, and how large a picture is that is too large.
 * @throws UserError as `decodePicture` does.
 */
export async function decodeAsSeen(bytes: Buffer, options: SeenOptions = {}): Promise<SeenPicture> {
  const { name = 'The picture', transparency = 'white' } = options;
  checkFormat(bytes, name);
  if (isBmp(bytes)) return { picture: checkedBmp(bytes, name), frames: 1 };
  try {
    // The header alone, so that what is too large can be told by its size.
    const { width, height, pages = 1, hasAlpha } = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (width * height > maxPixels) throw new UserError(`${name} is ${tooLarge(width, height)}`);
    const image = openPicture(bytes, options);
    const opaque = transparency === 'white' && hasAlpha ? image.flatten({ background: '#fff' }) : image.removeAlpha();
    return { picture: await pixelsOf(opaque), frames: pages };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${name} ${decodeFailure(messageOf(error))}`, undefined, { cause: error });
  }
}

function checkFormat(bytes: Buffer, name: string): void {
  if (bytes.length === 0) throw new UserError(`${name} is empty (0 bytes); replace it or leave it out.`);
  if (/^ftyp(hei[cxms]|hev[cxms])$/.test(bytes.toString('latin1', 4, 12))) {
    throw new UserError(`${name} is a HEIC picture, whose compression (H.265) cannot be read here; save it as JPEG.`);
  }
  if (!isKnownFormat(bytes)) {
    throw new UserError(
      `${name} is not a picture in a format that can be read (JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP); convert it or leave it out.`,
    );
  }
}

function checkedBmp(bytes: Buffer, name: string): Picture {
  const { width, height } = bmpSize(bytes);
  if (width * height > maxPixels) throw new UserError(`${name} is ${tooLarge(width, height)}`);
  return decodeBmp(bytes, name);
}

function openPicture(bytes: Buffer, { orient = true }: DecodeOptions): Sharp {
  // 'error' fails for truncated files; Pillow too reads what libjpeg merely warns about.
  const image = sharp(bytes, { failOn: 'error', limitInputPixels: maxPixels, ignoreIcc: true });
  return orient ? image.autoOrient() : image;
}

async function pixelsOf(image: Sharp): Promise<Picture> {
  const { data, info } = await image
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`${info.channels} channels after conversion to RGB`);
  return { width: info.width, height: info.height, channels: 3, data };
}

const tooLarge = (width: number, height: number): string =>
  `${width} x ${height} pixels, more than the ${maxPixels / 1e6} megapixels that are accepted; save it smaller.`;

/** The rest of a sentence, from libvips' message. */
function decodeFailure(message: string): string {
  if (/pixel limit/i.test(message)) {
    return `is larger than the ${maxPixels / 1e6} megapixels that are accepted; save it smaller.`;
  }
  const [first = ''] = message.split('\n', 1);
  return `is truncated or damaged (${printable(first.trim())}); replace it or leave it out.`;
}
