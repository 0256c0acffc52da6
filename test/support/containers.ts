import { crc32 } from 'node:zlib';

// Picture files put together by hand, for what no encoder makes.

const u16be = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
const u16le = (value: number): Buffer => Buffer.of(value & 255, value >> 8);

export function u32be(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function u32le(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A chunk of a PNG, with its checksum. */
export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  return Buffer.concat([u32be(data.length), body, u32be(crc32(body))]);
}

/** The same PNG with other sides in its header. */
export function pngOfSize(png: Buffer, width: number, height: number): Buffer {
  const header = Buffer.concat([u32be(width), u32be(height), png.subarray(24, 29)]);
  return Buffer.concat([png.subarray(0, 8), pngChunk('IHDR', header), png.subarray(33)]);
}

/** A PNG that says to be an animation; more frames than its first need not be there. */
export function animatedPng(png: Buffer, frames: number): Buffer {
  const control = pngChunk('acTL', Buffer.concat([u32be(frames), u32be(0)]));
  return Buffer.concat([png.subarray(0, 33), control, png.subarray(33)]);
}

/** A GIF of `frames` frames of one pixel on a canvas of any size. */
export function gifOf(frames: number, width: number, height: number): Buffer {
  const header = [Buffer.from('GIF89a'), u16le(width), u16le(height), Buffer.of(0x80, 0, 0), Buffer.alloc(6, 100)];
  const image = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]);
  return Buffer.concat([...header, ...new Array<Buffer>(frames).fill(image), Buffer.of(0x3b)]);
}

function riffChunk(type: string, data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(type, 'latin1'), u32le(data.length), data, Buffer.alloc(data.length % 2)]);
}

/** A WebP whose frames are all a still one's: `webp` is of one chunk, of `side` x `side` pixels. */
export function webpOf(frames: number, webp: Buffer, side: number): Buffer {
  const u24 = (value: number): Buffer => u32le(value).subarray(0, 3);
  const canvas = riffChunk('VP8X', Buffer.concat([Buffer.of(2, 0, 0, 0), u24(side - 1), u24(side - 1)]));
  const frameHeader = Buffer.concat([u24(0), u24(0), u24(side - 1), u24(side - 1), u24(100), Buffer.of(0)]);
  const frame = riffChunk('ANMF', Buffer.concat([frameHeader, webp.subarray(12)]));
  const animation = riffChunk('ANIM', Buffer.alloc(6));
  const all = [Buffer.from('WEBP'), canvas, animation, ...new Array<Buffer>(frames).fill(frame)];
  return riffChunk('RIFF', Buffer.concat(all));
}

export interface TiffTag {
  readonly tag: number;
  readonly values: readonly number[];
}

/** A TIFF of gray pixels whose directories are all the same; `tags` go over the usual ones. */
export function tiffOf(directories: number, width: number, height: number, tags: readonly TiffTag[] = []): Buffer {
  const pixels = Buffer.alloc(Math.min(width * height, 4096), 77);
  const usual = [
    { tag: 256, values: [width] },
    { tag: 257, values: [height] },
    { tag: 258, values: [8] },
    { tag: 259, values: [1] },
    { tag: 262, values: [1] },
    { tag: 273, values: [8] },
    { tag: 277, values: [1] },
    { tag: 278, values: [height] },
    { tag: 279, values: [pixels.length] },
  ];
  const entries = [...usual.filter((one) => !tags.some(({ tag }) => tag === one.tag)), ...tags];
  entries.sort((a, b) => a.tag - b.tag);
  const values: Buffer[] = [];
  let at = 8 + pixels.length;
  const lines = entries.map(({ tag, values: list }) => {
    const bytes = Buffer.concat(list.map(u32le));
    let field: Buffer = bytes;
    if (bytes.length > 4) {
      values.push(bytes);
      field = u32le(at);
      at += bytes.length;
    }
    return Buffer.concat([u16le(tag), u16le(4), u32le(list.length), field]);
  });
  const length = 6 + 12 * lines.length;
  const chain = Array.from({ length: directories }, (_, i) => {
    const next = i + 1 < directories ? at + (i + 1) * length : 0;
    return Buffer.concat([u16le(lines.length), ...lines, u32le(next)]);
  });
  return Buffer.concat([Buffer.from('II*\0', 'latin1'), u32le(at), pixels, ...values, ...chain]);
}

/** A box of ISO's base media file format. */
export function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 8);
  return Buffer.concat([u32be(length), Buffer.from(type, 'latin1'), ...parts]);
}

/** The first box of HEIF, AVIF and MP4. */
export function brands(major: string, ...compatible: readonly string[]): Buffer {
  return box('ftyp', Buffer.from(`${major}\0\0\0\0${compatible.join('')}`, 'latin1'));
}

/** A HEIF file with one item of a type and without pixels. */
export function heifOf(ftyp: Buffer, type: string): Buffer {
  const infe = box('infe', Buffer.of(2, 0, 0, 0, 0, 1, 0, 0), Buffer.from(`${type}\0`, 'latin1'));
  const iinf = box('iinf', Buffer.of(0, 0, 0, 0, 0, 1), infe);
  const iloc = box('iloc', Buffer.of(0, 0, 0, 0, 0x44, 0, 0, 0));
  const meta = box('meta', Buffer.alloc(4), box('pitm', Buffer.of(0, 0, 0, 0, 0, 1)), iloc, iinf);
  return Buffer.concat([ftyp, meta]);
}

/** References within a HEIF file, from item 1 to others. */
export const references = (type: string, to: readonly number[], count = to.length): Buffer =>
  box(type, u16be(1), u16be(count), ...to.map(u16be));

/**
 * An AVIF file of 64 x 64 pixels whose main picture, item 1, is a grid of tiles: the items from 2 on.
 * @param tiles where each begins and ends in `stream`
 * @param iref boxes of references
 */
export function avifGridOf(
  stream: Uint8Array,
  tiles: readonly (readonly [start: number, end: number])[],
  iref: readonly Buffer[] = [
    references(
      'dimg',
      [...tiles.keys()].map((i) => i + 2),
    ),
  ],
): Buffer {
  const ftyp = brands('avif', 'mif1');
  const item = (id: number, type: string): Buffer =>
    box('infe', Buffer.of(2, 0, 0, 0), u16be(id), u16be(0), Buffer.from(`${type}\0`, 'latin1'));
  const infe = [item(1, 'grid'), ...tiles.map((_, i) => item(i + 2, 'av01'))];
  const first = ftyp.length + 8;
  const places = tiles.map(([start, end], i) =>
    Buffer.concat([u16be(i + 2), u16be(0), u16be(1), u32be(first + start), u32be(end - start)]),
  );
  const ispe = box('ispe', Buffer.alloc(4), u32be(64), u32be(64));
  const ipma = box('ipma', Buffer.alloc(4), u32be(1), u16be(1), Buffer.of(1, 1));
  const meta = box(
    'meta',
    Buffer.alloc(4),
    box('pitm', Buffer.alloc(4), u16be(1)),
    box('iinf', Buffer.alloc(4), u16be(infe.length), ...infe),
    box('iloc', Buffer.of(0, 0, 0, 0, 0x44, 0), u16be(places.length), ...places),
    box('iprp', box('ipco', ispe), ipma),
    box('iref', Buffer.alloc(4), ...iref),
  );
  return Buffer.concat([ftyp, box('mdat', stream), meta]);
}
