import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import sharp from 'sharp';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { damaged } from '../../image/checked-header.js';
import { failsWith, plainPng, temporaryFolder, writeTree } from '../datasets/helpers.test.js';
import { decodePicture } from './decode.js';

const fixtures = fileURLToPath(new URL('../../../../test/fixtures/files/', import.meta.url));
const orange = { r: 200, g: 100, b: 50 };
const create = { width: 6, height: 5, channels: 3 as const, background: orange };
const first = async (bytes: Buffer): Promise<number[]> => [...(await decodePicture(bytes)).data.slice(0, 3)];

test('16 bits, gray, alpha, palette and CMYK become 8-bit RGB', async () => {
  const image = sharp({ create });
  assert.deepEqual(await first(await image.clone().png().toBuffer()), [200, 100, 50]);
  assert.deepEqual(await first(await image.clone().toColourspace('rgb16').png().toBuffer()), [200, 100, 50]);
  assert.deepEqual(await first(await image.clone().png({ palette: true }).toBuffer()), [200, 100, 50]);
  const [gray, gray2, gray3] = await first(await image.clone().toColourspace('b-w').png().toBuffer());
  assert.ok(gray !== undefined && gray === gray2 && gray === gray3);
  assert.deepEqual(await first(await image.clone().toColourspace('grey16').png().toBuffer()), [gray, gray, gray]);
  // Alpha is dropped, not blended with a background, as Pillow's convert('RGB') does.
  const clear = sharp({ create: { ...create, channels: 4, background: { ...orange, alpha: 0.3 } } });
  assert.deepEqual(await first(await clear.png().toBuffer()), [200, 100, 50]);
  const [r = 0, g = 0, b = 0] = await first(
    await image.clone().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(),
  );
  assert.ok(r > 180 && g > 70 && g < 130 && b < 80);
});

test('values of 8 to 12 bits in 16 are read by the bits that they use, those of 16 by their high byte', async () => {
  for (const channels of [1, 3] as const) {
    for (const [bits, expected] of [
      [8, 64],
      [10, 64],
      [12, 64],
      [14, 16],
      [16, 64],
    ] as const) {
      // From a quarter to the highest value that so many bits have.
      const data = Uint16Array.from({ length: 2 * channels }, (_, i) => (i < channels ? 2 ** bits / 4 : 2 ** bits - 1));
      const raw = { width: 2, height: 1, channels } as const;
      const image = sharp(data, { raw }).toColourspace(channels === 1 ? 'grey16' : 'rgb16');
      for (const bytes of [
        await image.clone().png().toBuffer(),
        await image.clone().tiff({ compression: 'lzw' }).toBuffer(),
      ]) {
        const { data: values } = await decodePicture(bytes);
        assert.deepEqual(
          [...values],
          [expected, expected, expected, ...Array(3).fill(4 * expected - 1)],
          `${channels} channels of ${bits} bits`,
        );
      }
    }
  }
  const black = await sharp(new Uint16Array(4), { raw: { width: 2, height: 2, channels: 1 } })
    .png()
    .toBuffer();
  assert.deepEqual([...(await decodePicture(black)).data], Array(12).fill(0));
});

test('of an animation the first frame; WebP, TIFF, AVIF and GIF are read', async () => {
  const frames = [await plainPng(200, 100, 50), await plainPng(0, 0, 255)];
  const animation = await sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer();
  const picture = await decodePicture(animation);
  assert.deepEqual([picture.width, picture.height, ...picture.data.slice(0, 3)], [6, 5, 200, 100, 50]);
  for (const format of ['webp', 'tiff', 'avif', 'gif'] as const) {
    const { width, height } = await decodePicture(await sharp({ create }).toFormat(format).toBuffer());
    assert.deepEqual([width, height], [6, 5], format);
  }
});

test('EXIF orientation is honoured unless told otherwise', async () => {
  const turned = await sharp({ create }).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  const upright = await decodePicture(turned);
  assert.deepEqual([upright.width, upright.height], [5, 6]);
  const asStored = await decodePicture(turned, { orient: false });
  assert.deepEqual([asStored.width, asStored.height], [6, 5]);
});

test('every file that cannot be used gets one sentence with its name', async (context) => {
  const root = await temporaryFolder(context);
  const photo = await readFile(join(fixtures, 'photo.jpg'));
  const png = await readFile(join(fixtures, 'odd.png'));
  const webp = await sharp(photo).webp().toBuffer();
  await writeTree(root, {
    'empty.png': '',
    'text.jpg': 'hello, this is no picture',
    'drawing.png': '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    'cut.webp': webp.subarray(0, webp.length - 30),
    'header.png': png.subarray(0, 20),
  });
  await mkdir(join(root, 'folder.png'));
  await symlink('loop.png', join(root, 'loop.png'));
  const path = (name: string): string => join(root, name);
  const fails = (name: string, what: RegExp): Promise<void> =>
    failsWith(() => decodePicture(path(name)), path(name), what);
  await fails('missing.png', /no such file/);
  await fails('empty.png', /is empty/);
  await fails('text.jpg', /not a picture/);
  await fails('drawing.png', /not a picture/);
  await fails('folder.png', /is a folder/);
  await fails('loop.png', /circles/);
  await fails('cut.webp', /truncated or damaged/);
  await fails('header.png', /truncated or damaged/);
  for (const [name, bytes] of [
    ['cut.jpg', photo],
    ['cut.png', png],
  ] as const) {
    for (const share of [0.02, 0.3, 0.6, 0.9, 0.99]) {
      await writeTree(root, { [name]: bytes.subarray(0, Math.floor(bytes.length * share)) });
      await fails(name, /truncated or damaged/);
    }
  }
  await writeTree(root, { 'secret.png': png });
  await chmod(path('secret.png'), 0);
  if (process.getuid?.() !== 0) await fails('secret.png', /permission/);
  await failsWith(() => decodePicture(Buffer.alloc(0), { name: 'upload 3' }), 'upload 3');
});

test('damaged pictures that are decoded side by side are told what each is told alone', async () => {
  const photo = await readFile(join(fixtures, 'photo.jpg'));
  const whole = [photo, await sharp(photo).png().toBuffer(), await sharp(photo).webp().toBuffer()];
  const cut = whole.map((bytes) => bytes.subarray(0, Math.floor(bytes.length * 0.6)));
  const sentence = (bytes: Buffer): Promise<string> =>
    decodePicture(bytes).then(
      () => 'a picture',
      (error: unknown) => String(error),
    );
  const alone: string[] = [];
  for (const bytes of cut) alone.push(await sentence(bytes));
  assert.deepEqual(new Set(alone), new Set([`UserError: The picture ${damaged()}`]));
  const together = await Promise.all(Array.from({ length: 90 }, (_, i) => sentence(itemAt(cut, i % cut.length))));
  assert.deepEqual(new Set(together), new Set(alone));
});

test('a name with escape codes is shown without them', async () => {
  await failsWith(() => decodePicture('no\u001b[31m\nfile.jpg'), 'no\u{fffd}[31m\u{fffd}file.jpg');
});

test('arbitrary and damaged bytes give a picture or a UserError, nothing else', async () => {
  const png = await plainPng(9, 8, 7);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }).map((data) => Buffer.from(data)),
    fc.tuple(fc.nat(png.length - 1), fc.nat(255)).map(([at, value]) => {
      const changed = Buffer.from(png);
      changed[at] = value;
      return changed;
    }),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (data) => {
      try {
        const picture = await decodePicture(data);
        assert.equal(picture.data.length, picture.width * picture.height * 3);
      } catch (error) {
        assert.ok(error instanceof UserError);
      }
    }),
    { numRuns: 150 },
  );
});
