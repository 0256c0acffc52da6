import { type Av1Stream, av1Budget, av1Stream } from './av1.js';
import { boxesIn } from './boxes.js';
import { type Bytes, HeaderError } from './bytes.js';
import type { PictureHeader } from './header.js';
import type { HeifItems } from './heif-items.js';

/**
 * @param items of a file whose main picture is AV1, or a grid of such tiles
 * @throws HeaderError where the header is damaged
 */
export function avifHeader(file: Bytes, items: HeifItems): PictureHeader {
  const { primary, sizes } = items;
  const shown = sizes.get(primary.id);
  if (shown === undefined) throw new HeaderError('it does not say its size');
  const streamOf = streamsOf(file, items);
  let [width, height] = shown;
  let [seconds, tiles, pixelBytes] = [0, 0, 20];
  for (const id of decodedItems(items)) {
    const stream = streamOf(id);
    const pixels = stream.width * stream.height;
    tiles = Math.max(tiles, pixels);
    pixelBytes = Math.max(pixelBytes, stream.pixelBytes);
    seconds += Math.max(1, stream.frames) * pixels * 50e-9 + stream.stored * 200e-9;
    // The stream decides, whatever stands outside of it.
    if (id === primary.id) [width, height] = [Math.max(width, stream.width), Math.max(height, stream.height)];
  }
  const pixels = width * height;
  return {
    format: 'AVIF',
    width,
    height,
    frames: sequenceFrames(file),
    memory: primary.type === 'grid' ? pixels * 8 + tiles * pixelBytes : pixels * pixelBytes,
    seconds: seconds + pixels * 5e-9,
  };
}

interface StoredStream extends Av1Stream {
  /** Its bytes in the file. */
  readonly stored: number;
}

/** Reads streams of items, each once: also where many items name the same bytes. */
function streamsOf(file: Bytes, items: HeifItems): (id: number) => StoredStream {
  const budget = av1Budget(file);
  const byItem = new Map<number, StoredStream>();
  const byPlace = new Map<string, StoredStream>();
  return (id) => {
    const known = byItem.get(id);
    if (known !== undefined) return known;
    const extents = items.extents.get(id) ?? [];
    const place = extents.map(({ start, end }) => `${start}-${end}`).join();
    const stored = extents.reduce((sum, { start, end }) => sum + Math.max(0, end - start), 0);
    const stream = byPlace.get(place) ?? { ...av1Stream(file, extents, budget), stored };
    byItem.set(id, stream);
    byPlace.set(place, stream);
    return stream;
  };
}

const maxTiles = 10_000;

/** What showing the main picture decodes: it or its tiles, and their transparency; a tile as often as it is used. */
function decodedItems({ primary, items, parts, auxiliary }: HeifItems): number[] {
  const wanted = new Set([primary.id, ...auxiliary.filter(([, of]) => of.includes(primary.id)).map(([id]) => id)]);
  const coded: number[] = [];
  for (const id of wanted) {
    const tiles = items.get(id)?.type === 'grid' ? (parts.get(id) ?? []) : [id];
    // Before they are put together: grids may share their tiles.
    if (coded.length + tiles.length > maxTiles) throw new HeaderError(`more than ${maxTiles} tiles`);
    coded.push(...tiles);
  }
  const tiles = new Set(coded);
  const masks = auxiliary.filter(([id, of]) => !wanted.has(id) && of.some((tile) => tiles.has(tile)));
  return [...coded, ...masks.map(([id]) => id)];
}

/** Frames of an image sequence (brand `avis`): samples of its first track; 1 without one. */
function sequenceFrames(file: Bytes): number {
  let box = boxesIn(file, 0, file.length).find(({ type }) => type === 'moov');
  for (const name of ['trak', 'mdia', 'minf', 'stbl', 'stsz']) {
    box = box && boxesIn(file, box.start, box.end).find(({ type }) => type === name);
  }
  return box === undefined ? 1 : Math.max(1, file.u32(box.start + 8));
}
