import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Picture } from '../../image/resize.js';
import { PpmReader } from './ppm.js';

const picture = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
  .chain(([width, height]) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data): Picture => ({ width, height, channels: 3, data })),
  );

const encoded = ({ width, height, data }: Picture): Buffer =>
  Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), data]);

test('pictures come out whole, however the stream is cut', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(picture, { maxLength: 4 }), cuts, fc.nat(5), (pictures, sizes, missing) => {
      const whole = Buffer.concat(pictures.map(encoded));
      const bytes = whole.subarray(0, whole.length - Math.min(missing, pictures.length > 0 ? 2 : 0));
      const reader = new PpmReader();
      const found: Picture[] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        found.push(...reader.push(bytes.subarray(at, at + size)));
        at += size;
      }
      // One that is cut short is dropped.
      const expected = bytes.length < whole.length ? pictures.slice(0, -1) : pictures;
      assert.deepEqual(found, expected);
    }),
  );
});

test('something else, or sizes beyond all measure, are refused before memory is taken', () => {
  const push = (text: string) => (): Picture[] => new PpmReader().push(Buffer.from(text));
  assert.throws(push('P6\n999999 999999\n255\n'), /999999 x 999999/);
  assert.throws(push('P6\n0 5\n255\n'), /0 x 5/);
  assert.throws(push('<html>'.padEnd(100)), /something else/);
  assert.throws(push('P5\n2 2\n255\n'.padEnd(100)), /something else/);
});
