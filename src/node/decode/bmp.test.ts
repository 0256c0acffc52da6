import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../common/errors.js';
import { decodeFirstFrame, decodePicture } from './decode.js';

/** A bitmap with a 40-byte header; `gap` bytes between header (and colours) and pixels. */
function bitmap(width: number, height: number, bits: number, colours: number[], pixels: number[], gap = 0): Buffer {
  const at = 54 + colours.length + gap;
  const header = Buffer.alloc(54);
  header.write('BM', 0, 'latin1');
  header.writeUInt32LE(at + pixels.length, 2);
  header.writeUInt32LE(at, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bits, 28);
  header.writeUInt32LE(colours.length / 4, 46);
  return Buffer.concat([header, Buffer.from(colours), Buffer.alloc(gap, 9), Buffer.from(pixels)]);
}

// Rows from the bottom up, blue first, each filled to four bytes.
const lower = [3, 2, 1, 6, 5, 4, 0, 0];
const upper = [9, 8, 7, 30, 20, 10, 0, 0];
const decoded = [7, 8, 9, 10, 20, 30, 1, 2, 3, 4, 5, 6];

test('bitmaps of 24 bits are read, from the bottom up or the top down, with a gap before the pixels', async () => {
  for (const bytes of [
    bitmap(2, 2, 24, [], [...lower, ...upper]),
    bitmap(2, -2, 24, [], [...upper, ...lower]),
    bitmap(2, 2, 24, [], [...lower, ...upper], 5),
  ]) {
    const { width, height, channels, data } = await decodePicture(bytes);
    assert.deepEqual([width, height, channels, ...data], [2, 2, 3, ...decoded]);
  }
  assert.deepEqual([...(await decodeFirstFrame(bitmap(2, 2, 24, [], [...lower, ...upper]))).picture.data], decoded);
});

test('bitmaps of 8 and 32 bits are read', async () => {
  const colours = [3, 2, 1, 0, 6, 5, 4, 0];
  assert.deepEqual([...(await decodePicture(bitmap(2, 1, 8, colours, [1, 0, 0, 0], 2))).data], [4, 5, 6, 1, 2, 3]);
  assert.deepEqual([...(await decodePicture(bitmap(1, 1, 32, [], [3, 2, 1, 0]))).data], [1, 2, 3]);
});

test('kinds that would be decoded to other pictures are refused', async () => {
  const kind = (bits: number, change: (bytes: Buffer) => void, width = 2): Buffer => {
    const bytes = bitmap(
      width,
      1,
      bits,
      bits <= 8 ? new Array<number>(4 * 2 ** bits).fill(7) : [],
      new Array(40).fill(0),
    );
    change(bytes);
    return bytes;
  };
  const compressed = (compression: number) => (bytes: Buffer) => void bytes.writeUInt32LE(compression, 30);
  const later = (bytes: Buffer): void => void bytes.writeUInt32LE(108, 14);
  const plain = (): void => undefined;
  const refused = [
    kind(8, compressed(1)),
    kind(4, compressed(2)),
    kind(4, plain, 3),
    kind(16, plain),
    Buffer.concat([kind(32, later), Buffer.alloc(100)]),
  ];
  for (const bytes of refused) await assert.rejects(decodePicture(bytes), /a bitmap of a kind that is not read/);
  assert.equal((await decodePicture(kind(4, plain))).width, 2);
});

test('a bitmap that claims more than it has takes no memory for it', async () => {
  const good = bitmap(2, 2, 24, [], [...lower, ...upper]);
  await assert.rejects(
    decodePicture(good.subarray(0, -1), { name: 'a.bmp' }),
    /^UserError: a\.bmp is truncated or damaged/,
  );
  const huge = Buffer.from(good);
  huge.writeInt32LE(100_000, 18);
  huge.writeInt32LE(100_000, 22);
  await assert.rejects(decodePicture(huge), /100000 x 100000 pixels, more than the 64 megapixels/);
  const colourful = Buffer.from(good);
  colourful.writeUInt32LE(0xffffffff, 46);
  await assert.rejects(decodePicture(colourful), /truncated or damaged/);
});

test('bytes at random behind a header give a picture or a sentence', async () => {
  const good = bitmap(2, 2, 24, [], [...lower, ...upper]);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(good.length - 3), fc.nat(255)), { maxLength: 6 }), async (changes) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at + 2] = value;
      await decodePicture(bytes).then(
        ({ width, height, data }) => assert.equal(data.length, width * height * 3),
        (error: unknown) => assert.ok(error instanceof UserError),
      );
    }),
    { numRuns: 500 },
  );
});
