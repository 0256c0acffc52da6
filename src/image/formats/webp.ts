import { maxFrames } from '../picture-limits.js';
import { type Bytes, HeaderError } from './bytes.js';
import type { PictureHeader } from './header.js';

/** Chunks besides frames. */
const maxOthers = 1000;

export const isWebp = (file: Bytes): boolean => file.text(0, 4) === 'RIFF' && file.text(8, 4) === 'WEBP';

/** @throws HeaderError where the header is damaged */
export function webpHeader(file: Bytes): PictureHeader {
  let size: readonly [number, number] | undefined;
  let [frames, others, stored] = [0, 0, 0];
  const kinds = new Set<string>();
  for (let at = 12; at + 8 <= file.length && frames <= maxFrames; ) {
    const [type, length] = [file.text(at, 4), file.u32(at + 4, true)];
    const data = at + 8;
    if (type === 'ANMF') {
      if (frames++ === 0) {
        stored = length;
        kinds.add(file.text(data + 16, 4));
      }
    } else {
      if (++others > maxOthers) throw new HeaderError(`more than ${maxOthers} chunks`);
      if (type === 'VP8X') size ??= [1 + file.u24(data + 4, true), 1 + file.u24(data + 7, true)];
      if (type === 'VP8 ') size ??= [file.u16(data + 6, true) & 0x3fff, file.u16(data + 8, true) & 0x3fff];
      if (type === 'VP8L') size ??= losslessSize(file.u32(data + 1, true));
      if (/^(VP8L|VP8 |ALPH)$/.test(type)) {
        kinds.add(type);
        stored += length;
      }
    }
    at = data + length + (length % 2);
  }
  if (size === undefined) throw new HeaderError('it has no picture');
  const [width, height] = size;
  const pixels = width * height;
  return {
    format: 'WebP',
    width,
    height,
    frames: Math.max(1, frames),
    // The first frame of an animation is laid on a canvas.
    memory: pixels * (frames > 0 ? 17 : 13),
    seconds:
      pixels * (kinds.has('VP8L') || kinds.has('ALPH') ? 30e-9 : 22e-9) +
      Math.min(stored, file.length) * (kinds.has('VP8L') ? 15e-9 : 40e-9),
  };
}

const losslessSize = (bits: number): readonly [number, number] => [1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff)];
