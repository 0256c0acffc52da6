import { decode } from 'bmp-ts';
import { UserError } from '../../common/errors.js';
import { nextTurn } from '../../common/turns.js';
import { byteAt } from '../../common/typed-item.js';
import type { Picture } from '../../image/resize.js';

// libvips, which decodes all other formats, is built without BMP; AffectNet has some among its pictures.

/** Pixels that are decoded in a turn of the event loop, about 20 ms. */
const pixelsAtOnce = 1_000_000;

/**
 * Decodes a Windows bitmap of 1, 4, 8, 24 or 32 bits a pixel to 8-bit RGB; transparency is dropped. Others are refused: the library
 * gets them wrong. The library works at once and takes four bytes for a pixel, so it is given some rows at a time.
 * @param bytes whose header was read, and its size checked
 * @throws UserError where it is truncated, or of a kind that is not read.
 */
export async function decodeBmp(bytes: Buffer, name: string): Promise<Picture> {
  const [width, signedHeight] = [bytes.readUInt32LE(18), bytes.readInt32LE(22)];
  // A negative height means rows from the top down.
  const [height, topDown] = [Math.abs(signedHeight), signedHeight < 0];
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
  // The library expects pixels right behind the colours; files may leave a gap.
  const masks = headerSize === 40 && compression === 3 ? 12 : headerSize === 40 && compression === 6 ? 16 : 0;
  const palette = depth <= 8 && colors === 0 ? 2 ** depth : colors;
  const header = Buffer.from(bytes.subarray(0, Math.min(pixelsAt, 14 + headerSize + masks + 4 * palette)));
  header.writeUInt32LE(header.length, 10);
  const rgb = new Uint8Array(width * height * 3);
  const rows = Math.max(1, Math.floor(pixelsAtOnce / width));
  for (let from = 0; from < height; from += rows) {
    if (from > 0) await nextTurn();
    const count = Math.min(rows, height - from);
    const at = pixelsAt + row * (topDown ? from : height - from - count);
    header.writeInt32LE(topDown ? -count : count, 22);
    try {
      decodeRows(Buffer.concat([header, bytes.subarray(at, at + row * count)]), rgb, 3 * width * from, width * count);
    } catch (error) {
      throw notRead(name, error);
    }
  }
  return { width, height, channels: 3, data: rgb };
}

/** @param rgb is given so many pixels from a place on */
function decodeRows(bitmap: Buffer, rgb: Uint8Array, start: number, pixels: number): void {
  // Alpha, blue, green, red: its other order does not hold for palettes.
  const { data } = decode(bitmap);
  if (data.length < 4 * pixels) throw new RangeError(`${data.length} bytes for ${pixels} pixels`);
  for (let i = 0; i < pixels; i++) {
    const [from, to] = [4 * i, start + 3 * i];
    rgb[to] = byteAt(data, from + 3);
    rgb[to + 1] = byteAt(data, from + 2);
    rgb[to + 2] = byteAt(data, from + 1);
  }
}

function notRead(name: string, cause?: unknown): UserError {
  return new UserError(
    `${name} is damaged, or a bitmap of a kind that is not read; save it as PNG or leave it out.`,
    undefined,
    { cause },
  );
}
