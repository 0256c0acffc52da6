import { UserError } from '../common/errors.js';
import { printable } from '../common/printable.js';
import type { PictureHeader } from './formats/header.js';
import { readPictureHeader } from './picture-header.js';
import { maxDecodingBytes, maxDecodingSeconds, maxFileBytes, maxFrames, maxPixels, maxSide } from './picture-limits.js';

/**
 * What a file says about itself, if it is a picture that can be read within the limits.
 * @throws UserError for all else
 */
export function checkedHeader(bytes: Uint8Array, name: string): PictureHeader {
  if (bytes.length === 0) throw new UserError(`${name} is empty (0 bytes); replace it or leave it out.`);
  if (bytes.length > maxFileBytes) throw tooManyBytes(name);
  const found = readPictureHeader(bytes);
  if (found.kind === 'damaged') throw new UserError(`${name} ${damaged(found.reason)}`);
  if (found.kind === 'picture') {
    const excess = beyondLimits(found.header);
    if (excess !== undefined) throw new UserError(`${name} ${excess}`);
    return found.header;
  }
  if (found.compression !== undefined) {
    throw new UserError(
      `${name} is ${found.format}, whose compression (${found.compression}) cannot be read here; save it as JPEG.`,
    );
  }
  throw new UserError(
    `${name} is ${found.format === undefined ? '' : `${found.format}, `}not a picture in a format that can be read (${formats}); convert it or leave it out.`,
  );
}

const formats = 'JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP';

/** The rest of a sentence about what is more than `picture-limits.ts` allows. */
function beyondLimits({ format, width, height, frames, memory, seconds }: PictureHeader): string | undefined {
  const size = `is ${width} x ${height} pixels`;
  if (width * height > maxPixels) {
    return `${size}, more than the ${maxPixels / 1e6} megapixels that are accepted; save it smaller.`;
  }
  if (Math.max(width, height) > maxSide) {
    return `${size}, longer than the ${maxSide} pixels that are accepted for a side; save it smaller.`;
  }
  if (frames > maxFrames) {
    return `has more than the ${maxFrames} frames or pages that are accepted; save the one that counts as a picture.`;
  }
  if (memory > maxDecodingBytes) {
    return `${size}, which as ${format} takes more than the ${maxDecodingBytes / 1024 ** 2} MiB that decoding may take; save it smaller, or as plain JPEG.`;
  }
  if (seconds > maxDecodingSeconds) {
    return `${size}, which as ${format} of its size takes about ${seconds.toFixed(1)} s to decode, more than the ${maxDecodingSeconds} s that are accepted; save it smaller, or as plain JPEG.`;
  }
  return undefined;
}

/** What is told of more than `maxFileBytes`. */
export function tooManyBytes(name: string): UserError {
  return new UserError(`${name} has more than the ${maxFileBytes} bytes that are accepted; save it smaller.`);
}

/**
 * The rest of a sentence about a file that cannot be decoded.
 * @param reason of our own readers only: libvips keeps its reasons in one place for all its threads, so that of pictures that
 * are decoded side by side one would be told another's
 */
export const damaged = (reason?: string): string =>
  `is truncated or damaged${reason === undefined ? '' : ` (${printable(reason)})`}; replace it or leave it out.`;
