import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { contactSheet } from './contact-sheet.js';

test('a contact sheet shows every picture in its place, whatever its shape and caption', async () => {
  const tile = (width: number, height: number, channels: 1 | 3, level: number) => ({
    picture: { width, height, channels, data: new Uint8Array(width * height * channels).fill(level) },
    caption: '<b>&"\'\u0000 a caption that is much too long for its tile.png',
  });
  const tiles = [tile(10, 10, 3, 200), tile(300, 30, 3, 100), ...Array.from({ length: 7 }, () => tile(5, 5, 1, 10))];
  const png = await contactSheet({ title: '1 <happy>', subtitle: '9 pictures & more', tiles });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): number => data[(y * info.width + x) * info.channels] ?? -1;
  // 8 columns, 2 rows of 112 pixels.
  assert.equal(info.width, 2 * 24 + 8 * 124 - 12);
  assert.equal(info.height, 68 + 2 * 144 + 24);
  assert.equal(at(24 + 56, 68 + 56), 200);
  assert.equal(at(24 + 124 + 56, 68 + 56), 100);
  assert.equal(at(24 + 124 + 56, 68 + 10), 0xec, 'a wide picture keeps its shape');
  assert.equal(at(24 + 2 * 124 + 56, 68 + 56), 10);
  assert.equal(at(24 + 56, 68 + 144 + 56), 10, 'the ninth begins the second row');
  assert.equal(at(24 + 124 + 56, 68 + 144 + 56), 255, 'and is the last');
});
