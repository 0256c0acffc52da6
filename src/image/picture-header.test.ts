import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import {
  animatedPng,
  avifGridOf,
  box,
  brands,
  gifOf,
  heifOf,
  pngChunk,
  pngOfSize,
  references,
  type TiffTag,
  tiffOf,
  webpOf,
} from '../../test/support/containers.js';
import { plainPng } from '../node/datasets/helpers.test.js';
import { decodeFirstFrame, decodePicture } from '../node/decode/decode.js';
import { frameCount } from './frame-count.js';
import { readPictureHeader } from './picture-header.js';
import {
  answerSeconds,
  maxDecodingBytes,
  maxDecodingSeconds,
  maxFileBytes,
  maxFilesBytes,
  maxFrames,
  maxPictureBytes,
  maxPixels,
  maxRedirects,
  maxSide,
  silenceSeconds,
} from './picture-limits.js';

const portrait = fileURLToPath(new URL('../../../assets/astronaut-face.png', import.meta.url));
const formats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const;

test('headers say the size that decoding gives, of every format', async () => {
  const picture = sharp(await readFile(portrait)).resize(61, 47, { fit: 'fill' });
  for (const format of formats) {
    for (const options of format === 'gif' || format === 'tiff' || format === 'avif'
      ? [{}]
      : [{}, { progressive: true, lossless: true }]) {
      const bytes = await picture.clone().toFormat(format, options).toBuffer();
      const found = readPictureHeader(bytes);
      assert(found.kind === 'picture', format);
      const { width, height, frames, memory, seconds } = found.header;
      assert.deepEqual([found.header.format.toLowerCase(), width, height, frames], [format, 61, 47, 1]);
      assert(memory >= 61 * 47 * 3 && memory < 61 * 47 * 50 + 61 * 2000 && seconds > 0 && seconds < 0.01, format);
      const { picture: decoded } = await decodeFirstFrame(bytes);
      assert.deepEqual([decoded.width, decoded.height], [61, 47]);
    }
  }
});

test('frames of animations and pages are counted as libvips counts them', async () => {
  const frames = await Promise.all([plainPng(200, 100, 50), plainPng(0, 0, 255), plainPng(0, 9, 0)]);
  for (const format of ['gif', 'webp', 'tiff'] as const) {
    const bytes = await sharp(frames, { join: { animated: true } })
      .toFormat(format)
      .toBuffer();
    assert.equal(frameCount(bytes), 3, format);
    assert.equal((await sharp(bytes).metadata()).pages, 3, format);
    assert.equal((await decodeFirstFrame(bytes)).frames, 3, format);
  }
  const animated = animatedPng(await plainPng(200, 100, 50), 3);
  assert.equal(frameCount(animated), 3);
  const { frames: decodedFrames, picture } = await decodeFirstFrame(animated);
  assert.deepEqual([decodedFrames, ...picture.data.subarray(0, 3)], [3, 200, 100, 50]);
  assert.equal(frameCount(Buffer.from('no picture')), undefined);
});

async function refused(bytes: Buffer, reason: RegExp): Promise<void> {
  for (const decode of [decodePicture, decodeFirstFrame]) {
    await assert.rejects(decode(bytes, { name: 'It' }), (error: Error) => {
      assert.equal(error.name, 'UserError');
      assert.match(error.message, reason);
      return true;
    });
  }
}

test('sides, pixels, frames, memory and time are bounded by the header', async () => {
  const png = await plainPng(1, 2, 3);
  await refused(pngOfSize(png, 8001, 8000), /^It is 8001 x 8000 pixels, more than the 64 megapixels/);
  await refused(pngOfSize(png, 60_000, 60_000), /more than the 64 megapixels/);
  await refused(pngOfSize(png, 1, 64_000_000), /^It is 1 x 64000000 pixels, longer than the 65535 pixels/);
  await refused(pngOfSize(png, 65_536, 1), /longer than the 65535 pixels/);
  await refused(gifOf(10_001, 1, 1), /more than the 10000 frames/);
  await refused(tiffOf(10_001, 4, 4), /more than the 10000 frames/);
  const webp = await sharp(png).resize(16, 16).webp().toBuffer();
  await refused(webpOf(10_001, webp, 16), /more than the 10000 frames/);
  await refused(gifOf(1, 60_000, 60_000), /more than the 64 megapixels/);
  const claimed = Buffer.from(webp);
  claimed.writeUInt16LE(8000, 26);
  claimed.writeUInt16LE(8000, 28);
  await refused(claimed, /which as WebP takes more than the 640 MiB/);
  // The largest that are accepted are still too much for what they hold, and so are damaged.
  await refused(pngOfSize(png, 8000, 8000), /truncated or damaged/);
});

test('a JPEG that goes through its pixels a thousand times is refused', async () => {
  const { data, info } = await sharp({ create: { width: 4000, height: 4000, channels: 3, background: '#777' } })
    .jpeg({ progressive: true })
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.width, 4000);
  const last = data.lastIndexOf(Buffer.of(0xff, 0xda));
  const pass = data.subarray(last, -2);
  await refused(
    Buffer.concat([data.subarray(0, -2), ...new Array<Buffer>(1000).fill(pass), data.subarray(-2)]),
    /takes about \d+\.\d s to decode, more than the 2 s/,
  );
});

test('a TIFF may not name the same bytes again and again, nor pieces of any size', async () => {
  const refuse = (tags: readonly TiffTag[], reason: RegExp): Promise<void> =>
    refused(tiffOf(1, 4000, 4000, tags), reason);
  const strips = new Array<number>(4000).fill(4096);
  await refuse(
    [
      { tag: 278, values: [1] },
      { tag: 273, values: strips },
      { tag: 279, values: strips },
    ],
    /its pieces have 16384000 bytes/,
  );
  await refuse([{ tag: 277, values: [60_000] }], /60000 samples for each pixel/);
  await refuse(
    [
      { tag: 322, values: [60_000] },
      { tag: 323, values: [60_000] },
    ],
    /tiles of 60000 x 60000 pixels/,
  );
  await refuse(
    [
      { tag: 322, values: [1] },
      { tag: 323, values: [1] },
    ],
    /tiles of 1 x 1 pixels/,
  );
  // A directory after which it comes again.
  const circle = tiffOf(1, 64, 64);
  circle.writeUInt32LE(circle.readUInt32LE(4), circle.length - 4);
  await refused(circle, /its directories share their bytes/);
  // Each of these directories has a megabyte of tags, which is the same one.
  await refused(tiffOf(40, 64, 64, [{ tag: 700, values: new Array<number>(250_000).fill(1) }]), /bytes of tags/);
});

test('a PNG with much compressed text is refused', async () => {
  const png = await plainPng(1, 2, 3);
  const text = new Array<Buffer>(1000).fill(pngChunk('zTXt', Buffer.alloc(1000)));
  await refused(Buffer.concat([png.subarray(0, 33), ...text, png.subarray(33)]), /1000000 bytes of compressed text/);
});

test('HEIF files are named by what is in them, whatever their first brand', async () => {
  const ofH265 = /^It is a HEIC picture, whose compression \(H\.265\) cannot be read here; save it as JPEG\.$/;
  for (const type of ['hvc1', 'hev1']) await refused(heifOf(brands('mif1', 'mif1', 'heic'), type), ofH265);
  await refused(heifOf(brands('mif1', 'mif1', 'miaf'), 'hvc1'), ofH265);
  await refused(heifOf(brands('msf1', 'hevc'), 'hvc1'), ofH265);
  await refused(heifOf(brands('avci', 'mif1'), 'avc1'), /is a HEIF picture, whose compression \(H\.264\)/);
  await refused(heifOf(brands('mif1', 'j2ki'), 'j2k1'), /is a HEIF picture, whose compression \(JPEG 2000\)/);
  // Sequences may do without a still picture.
  for (const brand of ['heic', 'heix', 'hevc', 'hevx', 'heim', 'hevs']) await refused(brands(brand), ofH265);
  for (const brand of ['hevc', 'heic']) await refused(brands('msf1', 'iso8', brand), ofH265);
  await refused(brands('mif1', 'avcs'), /H\.264/);
  await refused(brands('isom', 'mp42'), /is a video, not a picture in a format that can be read/);
});

test('formats that are known and not read are named', async () => {
  const named = (text: string, name: RegExp): Promise<void> =>
    refused(Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(64)]), name);
  await named('<svg xmlns="http://www.w3.org/2000/svg"/>', /is an SVG drawing/);
  await named('\xff\x0a', /is a JPEG XL picture/);
  await named('\0\0\0\x0cjP  ', /is a JPEG 2000 picture/);
  await named('%PDF-1.7', /is a PDF document/);
  await named('<!DOCTYPE html>', /is a web page/);
  await named('anything', /^It is not a picture in a format that can be read/);
});

test('AVIF is read whatever its first brand, and bounded by what its stream says', async () => {
  const avif = await sharp(await readFile(portrait))
    .avif({ effort: 0 })
    .toBuffer();
  const mif1 = Buffer.from(avif);
  mif1.write('mif1', 8, 'latin1');
  assert.equal((await decodePicture(mif1)).width, (await decodePicture(avif)).width);
  // The box outside of the stream says that the picture is small.
  const large = await sharp({ create: { width: 1000, height: 900, channels: 3, background: '#777' } })
    .avif({ effort: 0 })
    .toBuffer();
  const size = large.indexOf('ispe', 0, 'latin1') + 8;
  large.writeUInt32BE(60, size);
  large.writeUInt32BE(60, size + 4);
  const found = readPictureHeader(large);
  assert(found.kind === 'picture');
  assert.deepEqual([found.header.width, found.header.height], [1000, 900]);
  assert(found.header.memory > 900_000 * 20);
});

/** Sequence headers of 64 x 64 pixels, each with padding after it: 48 bytes together. */
const sequences = (count: number): Buffer =>
  Buffer.alloc(48 * count, Buffer.concat([Buffer.of(0x0a, 4, 0x18, 0x15, 0x7f, 0xfc, 0x7a, 40), Buffer.alloc(40)]));

test('the tiles of an AVIF may name the same bytes, but have all together no more than the file is worth', () => {
  const stream = sequences(500);
  const same = readPictureHeader(avifGridOf(stream, new Array(20).fill([0, stream.length])));
  assert(same.kind === 'picture', JSON.stringify(same));
  assert.deepEqual([same.header.width, same.header.height], [64, 64]);
  // Each begins somewhere else.
  const overlapping = Array.from({ length: 20 }, (_, i) => [48 * i, stream.length] as const);
  assert.deepEqual(readPictureHeader(avifGridOf(stream, overlapping)), {
    kind: 'damaged',
    reason: 'more headers of AV1 than its bytes are worth',
  });
  // Units that are no headers, of a byte each and one for their length.
  const empty = Buffer.alloc(20_000, Buffer.of(0x12, 0));
  const shifted = Array.from({ length: 20 }, (_, i) => [2 * i, empty.length] as const);
  assert.deepEqual(readPictureHeader(avifGridOf(empty, shifted)), {
    kind: 'damaged',
    reason: 'more units of AV1 than its bytes are worth',
  });
  const sideBySide = Array.from({ length: 20 }, (_, i) => [1200 * i, 1200 * i + 1200] as const);
  assert.equal(readPictureHeader(avifGridOf(stream, sideBySide)).kind, 'picture');
});

test('references of a HEIF file are as many as their box has room for, and bounded together', () => {
  const stream = sequences(3000);
  const hollow = new Array<Buffer>(200).fill(references('dimg', [], 65_535));
  assert.deepEqual(readPictureHeader(Buffer.concat([avifGridOf(stream, [[0, 48]], hollow), box('mdat', stream)])), {
    kind: 'damaged',
    reason: "a box 'dimg' that is shorter than what it holds",
  });
  const many = new Array<Buffer>(11).fill(references('cdsc', new Array<number>(1000).fill(2)));
  assert.deepEqual(readPictureHeader(avifGridOf(stream, [[0, 48]], many)), {
    kind: 'damaged',
    reason: 'more than 10000 references',
  });
});

test('a header that is cut off anywhere is damaged, and takes no more than its bytes', async () => {
  const image = sharp(await readFile(portrait)).resize(40);
  for (const format of formats) {
    const bytes = await image.clone().toFormat(format).toBuffer();
    for (let length = 12; length < bytes.length; length += Math.ceil(bytes.length / 200)) {
      const found = readPictureHeader(bytes.subarray(0, length));
      assert.notEqual(found.kind, 'unreadable', `${format} cut to ${length}`);
    }
  }
});

test('docs/limits.md states the limits that hold', async () => {
  const text = await readFile(fileURLToPath(new URL('../../../docs/limits.md', import.meta.url)), 'utf8');
  const rows: readonly (readonly [row: string, value: string])[] = [
    ['bytes of a file', `${maxFileBytes / 1024 ** 2} MiB`],
    ['pixels', `${maxPixels / 1e6} million`],
    ['pixels of a side', maxSide.toLocaleString('en')],
    ['frames or pages', maxFrames.toLocaleString('en')],
    ['memory for decoding one picture', `${maxDecodingBytes / 1024 ** 2} MiB`],
    ['processor time for decoding one picture', `${maxDecodingSeconds} s`],
    ['time without data from the server', `${silenceSeconds} s`],
    ['time for a whole response, with its redirects', `${answerSeconds} s`],
    ['redirects', `${maxRedirects}, to`],
  ];
  for (const [row, value] of rows) assert(text.includes(`| ${row} | ${value}`), row);
  for (const shared of [maxPictureBytes, maxFilesBytes]) {
    assert(text.includes(`share ${shared / 1024 ** 2} MiB`), `${shared}`);
  }
});
