import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { random } from '../common/random.js';
import { jpegLoss } from './jpeg-loss.js';

/** Waves, an edge and noise: something of every frequency. */
function scene(width: number, height: number, channels: 1 | 3): Uint8Array {
  const stream = random(3, width, height);
  return Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [x, y, c] = [Math.floor(i / channels) % width, Math.floor(i / channels / width), i % channels];
    const wave = 60 * Math.sin(x / (3 + c)) + 40 * Math.cos(y / 5 + c);
    return Math.max(0, Math.min(255, 120 + wave + (x > width / 2 ? 40 : -20) + stream.uniform(-15, 15)));
  });
}

async function libjpeg(data: Uint8Array, width: number, height: number, channels: 1 | 3, quality: number) {
  const jpeg = await sharp(data, { raw: { width, height, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .jpeg({ quality, chromaSubsampling: '4:2:0' })
    .toBuffer();
  const pixels = await sharp(jpeg)
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer();
  return new Uint8Array(pixels);
}

const differences = (a: ArrayLike<number>, b: ArrayLike<number>): { readonly mean: number; readonly most: number } => {
  const all = Array.from(a, (value, i) => Math.abs(value - (b[i] ?? Number.NaN)));
  return { mean: all.reduce((sum, value) => sum + value, 0) / all.length, most: Math.max(...all) };
};

describe('the loss of JPEG', () => {
  for (const [channels, mean, most] of [
    [1, 0.4, 8],
    [3, 1.5, 32],
  ] as const) {
    it(`is that of libjpeg for ${channels === 1 ? 'gray' : 'colour'}, but for how it rounds`, async () => {
      for (const [width, height] of [
        [48, 48],
        [37, 21],
      ] as const) {
        for (const quality of [10, 30, 50, 70, 95]) {
          const data = scene(width, height, channels);
          const lossy = Float32Array.from(data);
          jpegLoss({ width, height, channels, data: lossy }, quality);
          const theirs = differences(lossy, await libjpeg(data, width, height, channels, quality));
          const lost = differences(lossy, data).mean;
          const what = `${width} x ${height} at ${quality}: ${theirs.mean} and ${theirs.most}, of ${lost}`;

          assert.ok(theirs.mean < mean && theirs.most <= most && lost > 4 * theirs.mean, what);
        }
      }
    });
  }

  it('leaves what is flat, gives whole numbers in range, and takes more at lower quality', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 100 }),
        (w, h, q) => {
          const data = Float32Array.from(scene(w, h, 3));
          jpegLoss({ width: w, height: h, channels: 3, data }, q);
          assert.ok(data.every((value) => Number.isInteger(value) && value >= 0 && value <= 255));
        },
      ),
      { numRuns: 60, seed: 1 },
    );
    const flat = new Float32Array(256).fill(128);
    jpegLoss({ width: 16, height: 16, channels: 1, data: flat }, 10);
    assert.ok(flat.every((value) => value === 128));
    const lost = [70, 40, 10].map((quality) => {
      const data = Float32Array.from(scene(48, 48, 1));
      jpegLoss({ width: 48, height: 48, channels: 1, data }, quality);
      return differences(data, scene(48, 48, 1)).mean;
    });
    assert.deepEqual(
      lost,
      lost.toSorted((a, b) => a - b),
    );
  });
});
