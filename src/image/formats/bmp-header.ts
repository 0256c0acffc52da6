import { type Bytes, HeaderError } from './bytes.js';
import type { PictureHeader } from './header.js';

export const isBmp = (file: Bytes): boolean => file.length >= 54 && file.text(0, 2) === 'BM';

/** @throws HeaderError where the header is damaged */
export function bmpHeader(file: Bytes): PictureHeader {
  // A negative height means rows from the top down.
  const [width, signed] = [file.u32(18, true), file.u32(22, true) | 0];
  const height = Math.abs(signed);
  if (width === 0 || height === 0) throw new HeaderError(`${width} x ${height} pixels`);
  const pixels = width * height;
  return { format: 'BMP', width, height, frames: 1, memory: pixels * 3 + 16e6, seconds: pixels * 20e-9 };
}
