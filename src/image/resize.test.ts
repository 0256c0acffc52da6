import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { decodePicture } from '../node/decode/decode.js';
import { type Picture, resizeBilinear, toLuma, toNetworkSize } from './resize.js';

const file = (name: string): string => fileURLToPath(new URL(`../../../test/fixtures/files/${name}`, import.meta.url));

for (const name of ['up-48-gray', 'up-100', 'down-640', 'odd']) {
  test(`${name}: every value as Pillow's`, async () => {
    const picture = await decodePicture(file(`${name}.png`));
    const expected = await decodePicture(file(`${name}.224.png`));
    const resized = toNetworkSize(picture, 224, 3);
    assert.equal(resized.data.length, expected.data.length);
    assert.equal(largestDifference(resized.data, expected.data), 0);
  });
}

test('photo.jpg decodes to the values of Pillow', async () => {
  const picture = await decodePicture(file('photo.jpg'));
  const expected = await decodePicture(file('photo.decoded.png'));
  assert.deepEqual([picture.width, picture.height], [expected.width, expected.height]);
  assert.equal(largestDifference(picture.data, expected.data), 0);
});

test('luma of the primaries, white and gray, as convert(L)', () => {
  const data = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 77, 77, 77, 10, 20, 30);
  const luma = toLuma({ width: 6, height: 1, channels: 3, data });
  assert.deepEqual([...luma.data], [76, 150, 29, 255, 77, 18]);
});

const picture = (channels: 1 | 3): fc.Arbitrary<Picture> =>
  fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }))
    .chain(([width, height]) =>
      fc
        .uint8Array({ minLength: width * height * channels, maxLength: width * height * channels })
        .map((data) => ({ width, height, channels, data })),
    );
const side = fc.integer({ min: 1, max: 40 });

test('same size is the same picture; a flat picture stays flat; values stay within their range', () => {
  fc.assert(
    fc.property(fc.oneof(picture(1), picture(3)), side, side, fc.integer({ min: 0, max: 255 }), (p, w, h, level) => {
      assert.deepEqual(resizeBilinear(p, p.width, p.height).data, p.data);
      const flat = resizeBilinear({ ...p, data: p.data.map(() => level) }, w, h);
      assert.ok(flat.data.every((value) => value === level));
      const out = resizeBilinear(p, w, h);
      assert.equal(out.data.length, w * h * p.channels);
      const [low, high] = [Math.min(...p.data), Math.max(...p.data)];
      assert.ok(out.data.every((value) => value >= low && value <= high));
    }),
  );
});

test('channels do not mix: RGB is three gray pictures', () => {
  fc.assert(
    fc.property(picture(3), side, side, (p, w, h) => {
      const rgb = resizeBilinear(p, w, h);
      for (let c = 0; c < 3; c++) {
        const data = p.data.filter((_, i) => i % 3 === c);
        const one = resizeBilinear({ ...p, channels: 1, data }, w, h);
        assert.deepEqual(
          one.data,
          rgb.data.filter((_, i) => i % 3 === c),
        );
      }
    }),
    { numRuns: 40 },
  );
});

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? -1000))), 0);
}
