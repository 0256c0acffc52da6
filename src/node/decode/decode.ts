import { readFile, stat } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { messageOf, UserError } from '../../common/errors.js';
import type { LeaseOptions } from '../../common/memory-budget.js';
import { printable } from '../../common/printable.js';
import { typeInWords } from '../../common/type-in-words.js';
import { checkedHeader, damaged } from '../../image/checked-header.js';
import type { PictureHeader } from '../../image/formats/header.js';
import { maxFileBytes, maxPixels } from '../../image/picture-limits.js';
import { pictureMemory } from '../../image/picture-memory.js';
import type { Picture } from '../../image/resize.js';
import { checkPath } from '../files/check-path.js';
import { explainFileError } from '../files/files.js';
import { decodeBmp } from './bmp.js';

export interface DecodeOptions {
  /** Turn the picture upright as its EXIF orientation says (default true). */
  readonly orient?: boolean;
  /** How messages name a Buffer (default 'picture'); a path names itself. */
  readonly name?: string;
  /** Whether somebody waits for it now, and until when: see `MemoryBudget`. */
  readonly memory?: LeaseOptions;
}

export interface FirstFrameOptions extends DecodeOptions {
  /** What becomes of transparency: blended with white, as a page shows it (default), or dropped as in training. */
  readonly transparency?: 'white' | 'drop';
}

/** The file's bytes. @throws UserError where there is no readable, non-empty file. */
export async function readPicture(path: string): Promise<Buffer> {
  checkPath(path, 'The picture');
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

/**
 * Decodes a picture (JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP) to 8-bit RGB, as Pillow's `convert('RGB')` does: alpha is
 * dropped without blending, gray is repeated, embedded colour profiles of RGB and gray pictures are not applied; CMYK
 * becomes RGB. 16-bit values keep their high byte; where all stay below 4096 they are 12-bit ones, or fewer, and keep their
 * highest 8. Of an animation the first frame is taken.
 *
 * What is beyond `picture-limits.ts` by its header is refused before it is decoded; else it waits until there is memory for it.
 *
 * @throws UserError, one sentence that names the file, for a file that is missing, empty, unreadable, too large,
 * truncated, damaged or not a picture, and for a folder.
 */
export async function decodePicture(source: string | Buffer, options: DecodeOptions = {}): Promise<Picture> {
  if (typeof source !== 'string') checkBytes(source, options);
  const bytes = typeof source === 'string' ? await readPicture(source) : source;
  const name = typeof source === 'string' ? `Picture ${printable(source, 4096)}` : (options.name ?? 'The picture');
  const header = checkedHeader(bytes, name);
  return within(header, name, options, () =>
    header.format === 'BMP' ? decodeBmp(bytes, name) : pixelsOf(openPicture(bytes, options).removeAlpha()),
  );
}

/** The first picture of a file, upright. */
export interface FirstFrame {
  readonly picture: Picture;
  /** Frames or pages of the file; the picture is the first. */
  readonly frames: number;
}

/**
 * The same with what people want to know besides: how many frames there are, and how large a picture is that is too large.
 * @throws UserError as `decodePicture` does.
 */
export async function decodeFirstFrame(bytes: Buffer, options: FirstFrameOptions = {}): Promise<FirstFrame> {
  const { name = 'The picture', transparency = 'white' } = options;
  const header = checkedHeader(bytes, name);
  return within(header, name, options, async () => {
    const { format, frames } = header;
    if (format === 'BMP') return { picture: await decodeBmp(bytes, name), frames };
    const { pages = 1, hasAlpha } = await sharp(bytes, { limitInputPixels: maxPixels }).metadata();
    const image = openPicture(bytes, options);
    const opaque = transparency === 'white' && hasAlpha ? image.flatten({ background: '#fff' }) : image.removeAlpha();
    return { picture: await pixelsOf(opaque), frames: Math.max(frames, pages) };
  });
}

/**
 * The same with its transparency: RGBA, as it is stored.
 * @throws UserError as `decodePicture` does.
 */
export async function decodeWithAlpha(
  bytes: Buffer,
  options: Omit<DecodeOptions, 'orient'> = {},
): Promise<{ readonly width: number; readonly height: number; readonly data: Uint8Array }> {
  checkBytes(bytes, options);
  const { name = 'The picture' } = options;
  return within(checkedHeader(bytes, name), name, options, async () => {
    const image = openPicture(bytes, { orient: false }).ensureAlpha().toColourspace('srgb');
    const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    if (info.channels !== 4) throw new Error(`${info.channels} channels after conversion to RGBA`);
    return { width: info.width, height: info.height, data };
  });
}

/** Programs without types may pass anything. @throws UserError */
function checkBytes(bytes: unknown, { name = 'The picture' }: DecodeOptions): void {
  if (bytes instanceof Uint8Array) return;
  throw new UserError(`${name} is ${typeInWords(bytes)}, not a picture; pass a path, or the bytes of a file.`, 'usage');
}

/** Decodes once there is memory for it. */
async function within<T>(
  { memory }: PictureHeader,
  name: string,
  options: DecodeOptions,
  decode: () => Promise<T>,
): Promise<T> {
  const lease = await pictureMemory().acquire(memory, options.memory);
  try {
    return await decode();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${name} ${decodeFailure(messageOf(error))}`, undefined, { cause: error });
  } finally {
    lease.release();
  }
}

function openPicture(bytes: Buffer, { orient = true }: DecodeOptions): Sharp {
  // 'error' fails for truncated files; Pillow too reads what libjpeg merely warns about.
  const image = sharp(bytes, { failOn: 'error', limitInputPixels: maxPixels, ignoreIcc: true });
  return orient ? image.autoOrient() : image;
}

/** 8-bit RGB of a picture; of 16-bit values the high bytes. */
async function pixelsOf(image: Sharp): Promise<Picture> {
  const picture = await highBytes(image);
  if (picture.data.some((value) => value >= 2 ** 4)) return picture;
  const { depth } = await image.metadata();
  if (depth !== 'ushort') return picture;
  // Cameras for science and medicine store 10 or 12 bits as they are in 16: their highest bits are empty.
  const highest = picture.data.reduce((most, value) => Math.max(most, value), 0);
  const emptyBits = 8 - Math.ceil(Math.log2(highest + 1));
  return highBytes(image.clone().linear(2 ** emptyBits, 0));
}

async function highBytes(image: Sharp): Promise<Picture> {
  const { data, info } = await image
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`${info.channels} channels after conversion to RGB`);
  return { width: info.width, height: info.height, channels: 3, data };
}

/** The rest of a sentence, from libvips' message. */
function decodeFailure(message: string): string {
  if (/pixel limit/i.test(message)) {
    return `is larger than the ${maxPixels / 1e6} megapixels that are accepted; save it smaller.`;
  }
  return damaged();
}
