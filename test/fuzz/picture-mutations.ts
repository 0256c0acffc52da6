import type { Random } from '../../src/common/random.js';
import { animatedPng, gifOf, pngChunk, pngOfSize, tiffOf, u32be, webpOf } from '../support/containers.js';
import { anyBytes, type Mutation, pick } from './mutations.js';

// Changes to good pictures that know their formats: huge sides, many frames, floods of parts, other kinds of coding.

/** Sides at the edges of types and limits; most are small, so that few pictures take long. */
const sides = [
  0,
  1,
  2,
  16,
  47,
  48,
  49,
  255,
  256,
  1000,
  8000,
  16_383,
  16_384,
  65_535,
  65_536,
  2 ** 24,
  2 ** 31 - 1,
  2 ** 32 - 1,
];
const counts = [0, 1, 2, 3, 7, 8, 9, 16, 64, 255, 256, 32_768, 65_535, 2 ** 31 - 1, 2 ** 32 - 1];

/** How many of something that may come by the thousands, which takes long to make: seldom. */
const many = (random: Random): number =>
  random.int(100) === 0 ? pick(random, [9999, 10_001, 20_000]) : 1 + random.int(12);

const replaced = (bytes: Buffer, at: number, part: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at + part.length)]);

/** Writes a number at the edge of its type over one of the first bytes. */
function inHeader(bytes: Buffer, random: Random, length: number): Buffer {
  if (bytes.length < 8) return anyBytes(bytes, random);
  const at = random.int(Math.max(1, Math.min(length, bytes.length) - 4));
  const value = pick(random, [...counts, random.uint32()]);
  const copy = Buffer.from(bytes);
  const kind = random.int(5);
  if (kind === 0) copy[at] = value & 255;
  else if (kind === 1) copy.writeUInt16LE(value & 0xffff, at);
  else if (kind === 2) copy.writeUInt16BE(value & 0xffff, at);
  else if (kind === 3) copy.writeUInt32LE(value, at);
  else copy.writeUInt32BE(value, at);
  return copy;
}

/** All chunks with the checksums that fit them. */
function repaired(png: Buffer): Buffer {
  const parts = [png.subarray(0, 8)];
  for (let at = 8; at + 12 <= png.length; ) {
    const length = Math.min(png.readUInt32BE(at), png.length - at - 12);
    parts.push(pngChunk(png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, at + 8 + length)));
    at += 12 + length;
  }
  return Buffer.concat(parts);
}

export const anyPng: Mutation = (bytes, random) => {
  const kind = random.int(6);
  if (kind === 0) return pngOfSize(bytes, pick(random, sides), pick(random, sides));
  if (kind === 1) return animatedPng(bytes, pick(random, counts));
  if (kind === 2) {
    const chunk = pngChunk(
      pick(random, ['tEXt', 'zTXt', 'iTXt', 'iCCP', 'eXIf', 'sPLT', 'abCd', 'IDAT']),
      bytes.subarray(0, random.int(200)),
    );
    return Buffer.concat([bytes.subarray(0, 33), ...new Array<Buffer>(many(random)).fill(chunk), bytes.subarray(33)]);
  }
  // Depth, colour type, interlacing.
  if (kind === 3) return repaired(replaced(bytes, 24 + random.int(5), Buffer.of(random.int(17))));
  return kind === 4 ? repaired(inHeader(bytes, random, bytes.length)) : anyBytes(bytes, random);
};

export const anyGif: Mutation = (bytes, random) => {
  if (random.int(4) === 0) return gifOf(many(random), pick(random, sides) & 0xffff, pick(random, sides) & 0xffff);
  return random.int(2) === 0 ? inHeader(bytes, random, 60) : anyBytes(bytes, random);
};

/** @param side of the still picture */
export const anyWebp =
  (side: number): Mutation =>
  (bytes, random) => {
    const still = bytes.toString('latin1', 12, 15) === 'VP8' && bytes[15] !== 0x58;
    if (still && random.int(3) === 0) return webpOf(many(random), bytes, pick(random, [side, side, 1, 16_384]));
    return random.int(2) === 0 ? inHeader(bytes, random, 60) : anyBytes(bytes, random);
  };

const tiffTags = [
  254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 322, 323, 324, 325, 330, 338, 339, 347, 513, 530,
  700,
];

export const anyTiff: Mutation = (bytes, random) => {
  const kind = random.int(4);
  if (kind === 0) {
    const tags = Array.from({ length: random.int(3) }, () => ({
      tag: pick(random, tiffTags),
      values: Array.from({ length: pick(random, [1, 1, 2, 8, 64]) }, () => pick(random, counts)),
    }));
    return tiffOf(many(random), pick(random, sides), pick(random, sides), tags);
  }
  if (kind === 1) return anyBytes(bytes, random);
  // A field of an entry of the first directory.
  const start = bytes.length < 8 ? bytes.length : bytes.readUInt32LE(4);
  if (start + 2 > bytes.length) return anyBytes(bytes, random);
  const entry = start + 2 + 12 * random.int(Math.max(1, bytes.readUInt16LE(start)));
  const copy = Buffer.from(bytes);
  if (entry + 12 > copy.length) return copy;
  if (kind === 2) copy.writeUInt32LE(pick(random, counts), entry + 8);
  else copy.writeUInt16LE(pick(random, [...tiffTags, 1, 2, 3, 4, 5, 12, 16]), entry + pick(random, [0, 2]));
  return copy;
};

export const anyJpeg: Mutation = (bytes, random) => {
  const frame = [0xc0, 0xc2].map((marker) => bytes.indexOf(Buffer.of(0xff, marker))).find((at) => at > 0) ?? 0;
  const kind = random.int(6);
  if (kind === 0) {
    const size = Buffer.of(
      ...[pick(random, sides), pick(random, sides)].flatMap((side) => [(side >> 8) & 255, side & 255]),
    );
    return replaced(bytes, frame + 5, size);
  }
  if (kind === 1) return replaced(bytes, frame + 1, Buffer.of(0xc0 + random.int(16)));
  // Number of components, their sampling.
  if (kind === 2) return replaced(bytes, frame + 9 + random.int(10), Buffer.of(random.int(256)));
  if (kind === 3) {
    const scan = bytes.lastIndexOf(Buffer.of(0xff, 0xda));
    return Buffer.concat([
      bytes.subarray(0, -2),
      ...new Array<Buffer>(many(random)).fill(bytes.subarray(scan, -2)),
      bytes.subarray(-2),
    ]);
  }
  if (kind === 4) {
    const segment = Buffer.concat([Buffer.of(0xff, 0xe0 + random.int(16), 0, 18), bytes.subarray(0, 16)]);
    return Buffer.concat([bytes.subarray(0, 2), ...new Array<Buffer>(many(random)).fill(segment), bytes.subarray(2)]);
  }
  return anyBytes(bytes, random);
};

export const anyBmp: Mutation = (bytes, random) => {
  if (bytes.length < 54 || random.int(3) === 0) return anyBytes(bytes, random);
  const copy = Buffer.from(bytes);
  if (random.int(2) === 0) copy.writeUInt16LE(pick(random, [1, 4, 8, 16, 24, 32, random.int(65_536)]), 28);
  else copy.writeUInt32LE(pick(random, [...counts, ...sides]), pick(random, [10, 14, 18, 22, 30, 46]));
  return copy;
};

const brandNames = ['avif', 'avis', 'mif1', 'msf1', 'heic', 'heix', 'hevc', 'avci', 'mp42', 'crx ', 'jxl ', '\0\0\0\0'];
const boxNames = [
  'meta',
  'iinf',
  'infe',
  'iloc',
  'pitm',
  'iprp',
  'ipco',
  'ipma',
  'ispe',
  'iref',
  'dimg',
  'auxl',
  'av1C',
  'idat',
  'mdat',
  'moov',
  'free',
];
const itemTypes = ['av01', 'hvc1', 'grid', 'iovl', 'iden', 'jpeg', 'unci', 'Exif', 'mime'];

export const anyHeif: Mutation = (bytes, random) => {
  const kind = random.int(6);
  const named = (names: readonly string[]): number => {
    const found = names.map((name) => bytes.indexOf(name, 0, 'latin1')).filter((at) => at >= 4);
    return found.length === 0 ? 4 : pick(random, found);
  };
  if (kind === 0)
    return replaced(bytes, pick(random, [8, 16, 20, 24]), Buffer.from(pick(random, brandNames), 'latin1'));
  // The length of a box, its name, the numbers in it.
  if (kind === 1) return replaced(bytes, named(boxNames) - 4, u32be(pick(random, counts)));
  if (kind === 2) return replaced(bytes, named(boxNames), Buffer.from(pick(random, boxNames), 'latin1'));
  if (kind === 3) return replaced(bytes, named(['ispe']) + pick(random, [8, 12]), u32be(pick(random, sides)));
  if (kind === 4) return replaced(bytes, named(itemTypes), Buffer.from(pick(random, itemTypes), 'latin1'));
  const data = bytes.indexOf('mdat', 0, 'latin1') + 4;
  // The header of the stream of AV1, and what is around it.
  if (random.int(2) === 0 && data + 16 < bytes.length) {
    return replaced(bytes, data + random.int(16), Buffer.of(random.int(256)));
  }
  return anyBytes(bytes, random);
};
