import { maxFrames, maxPixels } from '../picture-limits.js';
import { type Bytes, HeaderError } from './bytes.js';
import { cmykSeconds, type PictureHeader } from './header.js';

/** Entries of all directories together, and bytes of their values: each directory is read as a whole. */
const maxEntries = 200_000;
const maxValueBytes = 16 * 1024 * 1024;
const maxSamples = 8;

const tag = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  colours: 262,
  samples: 277,
  rowsPerStrip: 278,
  stripBytes: 279,
  tileWidth: 322,
  tileHeight: 323,
  tileBytes: 325,
} as const;

/** Bytes of a value of each type. */
const valueBytes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

/** Nanoseconds for a pixel and for a byte, by compression; else those of `others`. */
const others = [12, 8] as const;
const speeds: ReadonlyMap<number, readonly [number, number]> = new Map([
  [1, [6, 1]],
  [7, [8, 10]],
  [50001, [30, 100]],
]);

export const isTiff = (file: Bytes): boolean => /^(II[*+]\0|MM\0[*+])$/.test(file.text(0, 4));

interface Entry {
  readonly type: number;
  readonly count: number;
  /** Where the values are. */
  readonly at: number;
}

/** A file's byte order and the width of its offsets: 4 bytes, or 8 in BigTIFF. */
class Layout {
  readonly file: Bytes;
  readonly little: boolean;
  readonly big: boolean;

  constructor(file: Bytes) {
    this.file = file;
    this.little = file.u8(0) === 0x49;
    this.big = file.u16(2, this.little) === 43;
  }

  u16(at: number): number {
    return this.file.u16(at, this.little);
  }

  /** An offset or a count. */
  offset(at: number): number {
    return this.big ? this.file.u64(at, this.little) : this.file.u32(at, this.little);
  }

  /** @param i which of its values */
  value({ type, count, at }: Entry, i = 0): number {
    if (i >= count) throw new HeaderError('a tag without a value');
    const { file, little } = this;
    if (type === 1) return file.u8(at + i);
    if (type === 3) return file.u16(at + 2 * i, little);
    if (type === 4) return file.u32(at + 4 * i, little);
    if (type === 16) return file.u64(at + 8 * i, little);
    throw new HeaderError(`a size of type ${type}`);
  }
}

/** @throws HeaderError where the header is damaged, or asks for more work than the picture is worth */
export function tiffHeader(file: Bytes): PictureHeader {
  const layout = new Layout(file);
  const [countBytes, entryBytes, offsetBytes] = layout.big ? [8, 20, 8] : [2, 12, 4];
  let first: ReadonlyMap<number, Entry> | undefined;
  let [frames, entries, bytes] = [0, 0, 0];
  for (let at = layout.offset(layout.big ? 8 : 4); at !== 0 && frames <= maxFrames; frames++) {
    const count = layout.big ? file.u64(at, layout.little) : layout.u16(at);
    entries += count;
    if (entries > maxEntries) throw new HeaderError(`more than ${maxEntries} tags`);
    // Directories may go round in a circle, or begin within each other.
    if (entries * entryBytes > file.length) throw new HeaderError('its directories share their bytes');
    const found = new Map<number, Entry>();
    for (let i = 0; i < count; i++) {
      const entry = at + countBytes + i * entryBytes;
      const [type, values] = [layout.u16(entry + 2), layout.offset(entry + 4)];
      const length = values * (valueBytes[type] ?? 0);
      bytes += length;
      const field = entry + 4 + offsetBytes;
      if (first === undefined) {
        found.set(layout.u16(entry), { type, count: values, at: length > offsetBytes ? layout.offset(field) : field });
      }
    }
    if (bytes > maxValueBytes) throw new HeaderError(`${bytes} bytes of tags`);
    first ??= found;
    const next = at + countBytes + count * entryBytes;
    // Some writers leave the last offset out.
    at = next + offsetBytes > file.length ? 0 : layout.offset(next);
  }
  if (first === undefined) throw new HeaderError('it has no picture');
  return { format: 'TIFF', frames, ...described(layout, first) };
}

function described(layout: Layout, tags: ReadonlyMap<number, Entry>): Omit<PictureHeader, 'format' | 'frames'> {
  const { file } = layout;
  const number = (key: keyof typeof tag, otherwise?: number): number => {
    const entry = tags.get(tag[key]);
    if (entry !== undefined) return layout.value(entry);
    if (otherwise === undefined) throw new HeaderError(`it does not say its ${key}`);
    return otherwise;
  };
  const [width, height, samples] = [number('width'), number('height'), number('samples', 1)];
  if (samples > maxSamples) throw new HeaderError(`${samples} samples for each pixel`);
  const pixels = width * height;
  const pixelBytes = Math.max(1, (samples * number('bits', 1)) / 8);
  const tiled = tags.has(tag.tileWidth);
  const [tileWidth, tileHeight] = [number('tileWidth', width), number('tileHeight', height)];
  if (tiled && (tileWidth < 16 || tileHeight < 16 || tileWidth * tileHeight > maxPixels)) {
    throw new HeaderError(`tiles of ${tileWidth} x ${tileHeight} pixels`);
  }
  // A row of tiles, or a strip, is in memory as a whole.
  const tilesAcross = tiled ? Math.ceil(width / tileWidth) : 0;
  const piece = tiled
    ? tilesAcross * tileWidth * tileHeight * 2
    : width * Math.min(height, number('rowsPerStrip', height));
  const stored = storedBytes(layout, tags.get(tiled ? tag.tileBytes : tag.stripBytes));
  // Pieces may name the same bytes, each of which is then read and unpacked again.
  if (stored > 2 * file.length) throw new HeaderError(`its pieces have ${stored} bytes, the file ${file.length}`);
  const [pixel, byte] = speeds.get(number('compression', 1)) ?? others;
  return {
    width,
    height,
    memory: pixels * 4.5 + piece * (pixelBytes + 4),
    // Each tile of a row is looked for among all of them. Gray, RGB, palette, mask and YCbCr; else CMYK, Lab and rarer ones.
    seconds:
      1e-9 * (pixels * (pixel + 3 * pixelBytes) + stored * byte + 60 * tilesAcross ** 2) +
      pixels * ([0, 1, 2, 3, 4, 6].includes(number('colours', 1)) ? 0 : cmykSeconds),
  };
}

/** Bytes of all strips or tiles. */
function storedBytes(layout: Layout, entry: Entry | undefined): number {
  let sum = 0;
  for (let i = 0; entry !== undefined && i < entry.count; i++) sum += layout.value(entry, i);
  return sum;
}
