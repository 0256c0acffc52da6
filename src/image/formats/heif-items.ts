import { type Box, boxesIn, boxOf } from './boxes.js';
import { type Bytes, HeaderError } from './bytes.js';

/** A picture, tile, mask or text within a HEIF file. */
export interface Item {
  readonly id: number;
  /** How it is coded: `av01`, `hvc1`, `grid`, ... */
  readonly type: string;
}

/** A part of the file. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

export interface HeifItems {
  /** The item that the file shows. */
  readonly primary: Item;
  readonly items: ReadonlyMap<number, Item>;
  /** Where an item's bytes are. */
  readonly extents: ReadonlyMap<number, readonly Extent[]>;
  /** Items that one is made of (`dimg`), in order; a tile may come several times. */
  readonly parts: ReadonlyMap<number, readonly number[]>;
  /** Items that describe others, such as their transparency (`auxl`): id of each, with what it describes. */
  readonly auxiliary: readonly (readonly [id: number, described: readonly number[]])[];
  /** Width and height that each item says to have. */
  readonly sizes: ReadonlyMap<number, readonly [width: number, height: number]>;
}

/** Of a file, of each kind: items, the places of their bytes, references between them. */
const maxItems = 10_000;

/**
 * The items of a HEIF file (ISO/IEC 23008-12); undefined where it has none, as a video.
 * @throws HeaderError where it is damaged, or has too many
 */
export function heifItems(file: Bytes): HeifItems | undefined {
  const meta = boxesIn(file, 0, file.length).find(({ type }) => type === 'meta');
  if (meta === undefined) return undefined;
  const boxes = boxesIn(file, meta.start + 4, meta.end);
  const items = itemsOf(file, boxOf(boxes, 'iinf'));
  const pitm = boxOf(boxes, 'pitm').start;
  const primary = items.get(file.u8(pitm) === 0 ? file.u16(pitm + 4) : file.u32(pitm + 4));
  if (primary === undefined) throw new HeaderError('its main picture is missing');
  const iref = boxes.find(({ type }) => type === 'iref');
  const idat = boxes.find(({ type }) => type === 'idat');
  const iprp = boxes.find(({ type }) => type === 'iprp');
  const { parts, auxiliary } = referencesOf(file, iref);
  return {
    primary,
    items,
    extents: extentsOf(file, boxOf(boxes, 'iloc'), idat),
    parts,
    auxiliary,
    sizes: iprp === undefined ? new Map() : sizesOf(file, iprp),
  };
}

function itemsOf(file: Bytes, iinf: Box): Map<number, Item> {
  const items = new Map<number, Item>();
  const start = iinf.start + (file.u8(iinf.start) === 0 ? 6 : 8);
  for (const { type, start: at } of boxesIn(file, start, iinf.end)) {
    if (type !== 'infe') continue;
    const version = file.u8(at);
    if (version < 2) continue;
    const id = version === 2 ? file.u16(at + 4) : file.u32(at + 4);
    items.set(id, { id, type: file.text(at + (version === 2 ? 8 : 10), 4) });
  }
  return items;
}

/** An unsigned number of 0, 4 or 8 bytes. */
function sized(file: Bytes, at: number, bytes: number): number {
  if (bytes === 0) return 0;
  if (bytes === 4) return file.u32(at);
  if (bytes === 8) return file.u64(at);
  throw new HeaderError(`a number of ${bytes} bytes`);
}

function extentsOf(file: Bytes, iloc: Box, idat: Box | undefined): Map<number, Extent[]> {
  const found = new Map<number, Extent[]>();
  const version = file.u8(iloc.start);
  const sizes = file.u16(iloc.start + 4);
  const [offsetBytes, lengthBytes, baseBytes] = [sizes >> 12, (sizes >> 8) & 15, (sizes >> 4) & 15];
  const indexBytes = version === 0 ? 0 : sizes & 15;
  const wide = version === 2;
  const count = wide ? file.u32(iloc.start + 6) : file.u16(iloc.start + 6);
  if (count > maxItems) throw new HeaderError(`${count} items`);
  let at = iloc.start + (wide ? 10 : 8);
  let all = 0;
  for (let i = 0; i < count; i++) {
    const id = wide ? file.u32(at) : file.u16(at);
    at += wide ? 4 : 2;
    const method = version === 0 ? 0 : file.u16(at) & 15;
    at += version === 0 ? 2 : 4;
    const base = sized(file, at, baseBytes);
    const extents = file.u16(at + baseBytes);
    at += baseBytes + 2;
    all += extents;
    if (all > maxItems) throw new HeaderError(`more than ${maxItems} parts`);
    const list: Extent[] = [];
    for (let e = 0; e < extents; e++) {
      at += indexBytes;
      const offset = base + sized(file, at, offsetBytes) + (method === 1 ? (idat?.start ?? file.length) : 0);
      const length = sized(file, at + offsetBytes, lengthBytes);
      at += offsetBytes + lengthBytes;
      // A length of 0 reaches to the end of the file.
      list.push({ start: offset, end: length === 0 ? file.length : Math.min(file.length, offset + length) });
    }
    found.set(id, list);
  }
  return found;
}

function referencesOf(file: Bytes, iref: Box | undefined): Pick<HeifItems, 'parts' | 'auxiliary'> {
  const parts = new Map<number, number[]>();
  const auxiliary: [number, number[]][] = [];
  if (iref === undefined) return { parts, auxiliary };
  const wide = file.u8(iref.start) !== 0;
  const read = (at: number): number => (wide ? file.u32(at) : file.u16(at));
  const step = wide ? 4 : 2;
  let all = 0;
  for (const { type, start, end } of boxesIn(file, iref.start + 4, iref.end)) {
    const count = file.u16(start + step);
    const first = start + step + 2;
    // A count is 16 bits whatever follows it: boxes of 12 bytes would otherwise name 65,535 items each, out of what is behind them.
    if (first + step * count > end) throw new HeaderError(`a box '${type}' that is shorter than what it holds`);
    all += count;
    if (all > maxItems) throw new HeaderError(`more than ${maxItems} references`);
    const to = Array.from({ length: count }, (_, i) => read(first + step * i));
    if (type === 'dimg') parts.set(read(start), to);
    if (type === 'auxl') auxiliary.push([read(start), to]);
  }
  return { parts, auxiliary };
}

function sizesOf(file: Bytes, iprp: Box): Map<number, readonly [number, number]> {
  const boxes = boxesIn(file, iprp.start, iprp.end);
  const ipco = boxOf(boxes, 'ipco');
  const properties = boxesIn(file, ipco.start, ipco.end);
  const sizes = new Map<number, readonly [number, number]>();
  for (const { start, end } of boxes.filter(({ type }) => type === 'ipma')) {
    const [version, wide] = [file.u8(start), (file.u8(start + 3) & 1) === 1];
    const idBytes = version === 0 ? 2 : 4;
    const count = file.u32(start + 4);
    if (count > maxItems) throw new HeaderError(`${count} items`);
    let at = start + 8;
    for (let i = 0; i < count && at < end; i++) {
      const id = idBytes === 2 ? file.u16(at) : file.u32(at);
      const associations = file.u8(at + idBytes);
      at += idBytes + 1;
      if (at + associations * (wide ? 2 : 1) > end) {
        throw new HeaderError("a box 'ipma' that is shorter than what it holds");
      }
      for (let a = 0; a < associations; a++, at += wide ? 2 : 1) {
        const property = properties[(wide ? file.u16(at) & 0x7fff : file.u8(at) & 0x7f) - 1];
        if (property?.type !== 'ispe') continue;
        sizes.set(id, [file.u32(property.start + 4), file.u32(property.start + 8)]);
      }
    }
  }
  return sizes;
}
