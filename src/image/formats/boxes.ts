import { type Bytes, HeaderError } from './bytes.js';

/** A box of ISO's base media file format (ISO/IEC 14496-12), which HEIF, AVIF and MP4 are made of. */
export interface Box {
  readonly type: string;
  /** Of what it contains. */
  readonly start: number;
  readonly end: number;
}

/** Boxes side by side. */
const maxBoxes = 10_000;

/**
 * The boxes between two places of a file.
 * @throws HeaderError where there are too many, or one is longer than what it is in
 */
export function boxesIn(file: Bytes, from: number, to: number): Box[] {
  const boxes: Box[] = [];
  for (let at = from; at + 8 <= to; ) {
    if (boxes.length >= maxBoxes) throw new HeaderError(`more than ${maxBoxes} boxes`);
    const [size, type] = [file.u32(at), file.text(at + 4, 4)];
    const long = size === 1;
    const start = at + (long ? 16 : 8);
    const end = size === 0 ? to : at + (long ? file.u64(at + 8) : size);
    if (end < start || end > to) throw new HeaderError(`a box '${type}' that is longer than what it is in`);
    boxes.push({ type, start, end });
    at = end;
  }
  return boxes;
}

/** @throws HeaderError where there is none */
export function boxOf(boxes: readonly Box[], type: string): Box {
  const found = boxes.find((box) => box.type === type);
  if (found === undefined) throw new HeaderError(`it has no box '${type}'`);
  return found;
}

/** Major and compatible brands; undefined for other files. */
export function brandsOf(file: Bytes): ReadonlySet<string> | undefined {
  if (file.text(4, 4) !== 'ftyp') return undefined;
  const end = Math.min(file.length, Math.max(16, Math.min(file.u32(0), 4096)));
  const brands = [file.text(8, 4)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(file.text(at, 4));
  return new Set(brands);
}
