import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { pngOf } from './png.js';

test('pictures of gray and of colours are PNGs that a decoder reads to the bit', async () => {
  for (const channels of [1, 3] as const) {
    for (const [width, height] of [
      [48, 48],
      [7, 1],
      [3, 90],
    ] as const) {
      const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7919) % 251);
      const { data: read, info } = await sharp(pngOf({ width, height, channels, data }), { failOn: 'warning' })
        .raw()
        .toBuffer({ resolveWithObject: true });
      assert.deepEqual([info.width, info.height], [width, height]);
      // sharp gives gray as three equal channels.
      const step = info.channels === channels ? 1 : info.channels;
      assert.deepEqual(
        read.filter((_, i) => i % step === 0),
        Buffer.from(data),
      );
    }
  }
});
