import { type Bytes, HeaderError } from './bytes.js';
import type { PictureHeader } from './header.js';

/** Samples of a pixel for each colour type. */
const samples = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);
/** Chunks before the pixels: a file may have millions of empty ones. */
const maxChunks = 10_000;
/** Bytes of compressed text and profiles: each expands to at most about 1000 times its size, and is expanded. */
const maxCompressedText = 256 * 1024;

export const isPng = (file: Bytes): boolean => file.text(0, 4) === '\x89PNG';

/** @throws HeaderError where the header is damaged */
export function pngHeader(file: Bytes): PictureHeader {
  if (file.text(12, 4) !== 'IHDR') throw new HeaderError('its first chunk is not IHDR');
  const [width, height] = [file.u32(16), file.u32(20)];
  const count = samples.get(file.u8(25));
  if (count === undefined) throw new HeaderError(`colour type ${file.u8(25)}`);
  const pixels = width * height;
  const stored = Math.max(1, (count * file.u8(24)) / 8);
  // An interlaced picture is put together in memory, in its own samples.
  const interlaced = file.u8(28) !== 0;
  return {
    format: 'PNG',
    width,
    height,
    frames: framesOf(file),
    memory: pixels * (interlaced ? 4 + stored : 4.5),
    seconds: pixels * (10e-9 + (interlaced ? 7e-9 : 3e-9) * stored) + file.length * 2e-9,
  };
}

/** Frames that an `acTL` chunk announces, which comes before the pixels; 1 without one. */
function framesOf(file: Bytes): number {
  let frames = 1;
  let text = 0;
  let at = 8;
  for (let chunk = 0; at + 12 <= file.length; chunk++) {
    if (chunk > maxChunks) throw new HeaderError(`more than ${maxChunks} chunks before its pixels`);
    const [length, type] = [file.u32(at), file.text(at + 4, 4)];
    if (type === 'IDAT') break;
    if (type === 'acTL' && length >= 8) frames = Math.max(1, file.u32(at + 8));
    if (type === 'zTXt' || type === 'iTXt' || type === 'iCCP') text += length;
    at += 12 + length;
  }
  if (text > maxCompressedText) throw new HeaderError(`${text} bytes of compressed text`);
  return frames;
}
