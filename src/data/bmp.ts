import { decode } from 'bmp-ts';
import { UserError } from '../common/errors.js';
import type { Picture } from './resize.js';

// libvips, which decodes all other formats, is built without BMP; AffectNet has some among its pictures.

/**
 * Decodes a Windows bitmap of 1, 4, 8, 24 or 32 bits a pixel to 8-bit RGB; transparency is dropped. Others are refused: the library
 * gets them wrong.
 * @param bytes whose header was read, and its size checked
 * @throws UserError where it is truncated, or of a kind that is not read.
 */
export function decodeBmp(bytes: Buffer, name: string): Picture {
  // A negative height means rows from the top down.
  const [width, height] = [bytes.readUInt32LE(18), Math.abs(bytes.readInt32LE(22))];
  const [headerSize, depth] = [bytes.readUInt32LE(14), bytes.readUInt16LE(28)];
  const [compression, colors] = [bytes.readUInt32LE(30), bytes.readUInt32LE(46)];
  const row = Math.ceil((width * depth) / 32) * 4;
  const pixelsAt = bytes.readUInt32LE(10);
  const runLengths = compression === 1 || compression === 2;
  // The library reads masks of later headers also where they do not count.
  const unusedMasks = compression === 0 && headerSize > 40 && depth === 32;
  if (runLengths || depth === 16 || (depth === 4 && width % 2 === 1) || unusedMasks) throw notRead(name);
  // Before memory is taken for what the header claims.
  if (colors > 256 || width === 0 || height === 0 || row * height > bytes.length - pixelsAt) {
    throw new UserError(
      `${name} is truncated or damaged (a bitmap whose header claims more than it has); replace it or leave it out.`,
    );
  }
  try {
    // The library expects pixels right behind the colours; files may leave a gap.
    const masks = headerSize === 40 && compression === 3 ? 12 : headerSize === 40 && compression === 6 ? 16 : 0;
    const palette = depth <= 8 && colors === 0 ? 2 ** depth : colors;
    const pixelsExpectedAt = 14 + headerSize + masks + 4 * palette;
    const tight = Buffer.concat([bytes.subarray(0, pixelsExpectedAt), bytes.subarray(pixelsAt)]);
    // Alpha, blue, green, red: its other order does not hold for palettes.
    const { data } = decode(pixelsAt > pixelsExpectedAt ? tight : bytes);
    const rgb = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
      rgb[to] = data[from + 3] ?? 0;
      rgb[to + 1] = data[from + 2] ?? 0;
      rgb[to + 2] = data[from + 1] ?? 0;
    }
    return { width, height, channels: 3, data: rgb };
  } catch (error) {
    throw notRead(name, error);
  }
}

function notRead(name: string, cause?: unknown): UserError {
  return new UserError(
    `${name} is damaged, or a bitmap of a kind that is not read; save it as PNG or leave it out.`,
    undefined,
    { cause },
  );
}
