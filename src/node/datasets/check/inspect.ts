import { createHash } from 'node:crypto';
import { byteAt, integerAt, valueAt } from '../../../common/typed-item.js';
import type { Picture } from '../../../image/resize.js';
import { decodePicture, readPicture } from '../../decode/decode.js';

/** What one picture is like. */
export interface Inspected {
  /** SHA-256 of the file. */
  readonly hash: string;
  /** Upright. */
  readonly width: number;
  readonly height: number;
  /** Red, green and blue are the same everywhere, but for what JPEG adds. */
  readonly gray: boolean;
  /** Its looks, `fingerprintWords` words; undefined where it shows nothing to go by. */
  readonly fingerprint: Uint32Array | undefined;
}

/** Fingerprints compare the brightness of neighbours in a grid of this many rows, and columns plus one. */
const grid = 16;
const columns = grid + 1;
/** 32-bit words of a fingerprint. */
export const fingerprintWords = (grid * grid) / 32;
/** Brightness, of 255, by which JPEG's colours may differ in a gray picture. */
const grayTolerance = 8;
/** Below this standard deviation of the grid's brightness, of 255, a picture is as good as blank. */
const blank = 4;

/**
 * Reads a picture as training does, and measures it.
 * @throws UserError where training could not use it.
 */
export async function inspectPicture(path: string): Promise<Inspected> {
  const bytes = await readPicture(path);
  const picture = await decodePicture(bytes, { name: `Picture ${path}` });
  const { width, height } = picture;
  return {
    hash: createHash('sha256').update(bytes).digest('base64'),
    width,
    height,
    gray: isGray(picture),
    fingerprint: fingerprintOf(picture),
  };
}

function isGray({ data }: Picture): boolean {
  for (let i = 0; i + 2 < data.length; i += 3) {
    const [r = 0, g = 0, b = 0] = [data[i], data[i + 1], data[i + 2]];
    if (Math.abs(r - g) > grayTolerance || Math.abs(g - b) > grayTolerance) return false;
  }
  return true;
}

/**
 * One bit for each pair of horizontal neighbours of a small gray copy: whether it gets brighter. The same picture
 * enlarged, shrunk, brightened or saved again differs in few of them.
 */
function fingerprintOf(picture: Picture): Uint32Array | undefined {
  const levels = shrunk(picture);
  const mean = levels.reduce((a, b) => a + b, 0) / levels.length;
  const variance = levels.reduce((sum, one) => sum + (one - mean) ** 2, 0) / levels.length;
  if (variance < blank ** 2) return undefined;
  const level = (row: number, column: number): number => valueAt(levels, row * columns + column);
  const words = new Uint32Array(fingerprintWords);
  for (let row = 0; row < grid; row++) {
    for (let column = 0; column < grid; column++) {
      if (level(row, column + 1) <= level(row, column)) continue;
      // Neighbours go to different words: an even background then leaves no word empty, and words tell pictures apart.
      const word = (row + column) % fingerprintWords;
      const bit = (row * grid + column) / fingerprintWords;
      words[word] = integerAt(words, word) | (1 << Math.floor(bit));
    }
  }
  return words;
}

/** How much of each pixel in a line of `pixels` falls into which of `cells` equal parts. */
function shares(
  pixels: number,
  cells: number,
): { readonly pixel: number; readonly cell: number; readonly share: number }[] {
  const scale = cells / pixels;
  return Array.from({ length: pixels }, (_, pixel) => {
    const [from, to] = [pixel * scale, Math.min(cells, (pixel + 1) * scale)];
    const first = Math.min(cells - 1, Math.floor(from));
    return Array.from({ length: Math.max(1, Math.ceil(to) - first) }, (_, i) => {
      const cell = first + i;
      return { pixel, cell, share: Math.max(0, Math.min(to, cell + 1) - Math.max(from, cell)) };
    });
  }).flat();
}

/** [grid, grid + 1] mean brightness, 0 to 255, of equal parts of a picture. Exact areas: its size must not show. */
function shrunk({ width, height, data }: Picture): Float64Array {
  const across = shares(width, columns);
  const down = shares(height, grid);
  const line = new Float64Array(columns);
  const levels = new Float64Array(grid * columns);
  let current = -1;
  for (const { pixel: y, cell: row, share } of down) {
    if (y !== current) {
      line.fill(0);
      for (const { pixel: x, cell, share: part } of across) {
        const at = 3 * (y * width + x);
        const luma = 0.299 * byteAt(data, at) + 0.587 * byteAt(data, at + 1) + 0.114 * byteAt(data, at + 2);
        line[cell] = valueAt(line, cell) + part * luma;
      }
      current = y;
    }
    for (let c = 0; c < columns; c++) {
      levels[row * columns + c] = valueAt(levels, row * columns + c) + share * valueAt(line, c);
    }
  }
  return levels;
}
