import { maxFrames } from '../picture-limits.js';
import { type Bytes, HeaderError } from './bytes.js';
import type { PictureHeader } from './header.js';

/** Pieces of at most 255 bytes that frames and extensions are made of. */
const maxPieces = 4_000_000;

export const isGif = (file: Bytes): boolean => file.text(0, 4) === 'GIF8';

/**
 * A file that ends early counts as far as it goes.
 * @throws HeaderError where the header is damaged
 */
export function gifHeader(file: Bytes): PictureHeader {
  let [width, height] = [file.u16(6, true), file.u16(8, true)];
  let at = 13 + colours(file.u8(10));
  let [frames, pieces, firstEnds] = [0, 0, file.length];
  const skipPieces = (): void => {
    while (at < file.length) {
      const length = file.u8(at);
      at += 1 + length;
      if (length === 0) return;
      if (++pieces > maxPieces) throw new HeaderError(`more than ${maxPieces} pieces`);
    }
  };
  while (at < file.length && frames <= maxFrames) {
    const kind = file.u8(at);
    if (kind === 0x21) {
      at += 2;
      skipPieces();
    } else if (kind === 0x2c && at + 10 <= file.length) {
      // The canvas grows with frames that are larger.
      width = Math.max(width, file.u16(at + 1, true) + file.u16(at + 5, true));
      height = Math.max(height, file.u16(at + 3, true) + file.u16(at + 7, true));
      at += 11 + colours(file.u8(at + 9));
      skipPieces();
      if (frames++ === 0) firstEnds = at;
    } else {
      break;
    }
  }
  const pixels = width * height;
  return {
    format: 'GIF',
    width,
    height,
    frames: Math.max(1, frames),
    memory: pixels * 8.5 + frames * 256,
    seconds: pixels * 45e-9 + firstEnds * 8e-9 + file.length * 1e-9,
  };
}

/** Bytes of the colour table that flags announce. */
const colours = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
