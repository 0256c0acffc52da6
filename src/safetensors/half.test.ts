import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toFloat32, toHalf } from './tensor.js';

const through = (values: readonly number[]): Float32Array =>
  toFloat32(toHalf({ shape: [values.length], data: Float32Array.from(values) }), 'test');

test('every half-precision number survives', () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const all = toFloat32({ dtype: 'F16', shape: [65536], data: new Uint8Array(bits.buffer) }, 'all');
  const again = toHalf({ shape: [65536], data: all });
  const back = new Uint16Array(again.data.buffer);
  bits.forEach((half, i) => {
    if (!Number.isNaN(all[i])) assert.equal(back[i], half);
  });
  assert.ok(Number.isNaN(through([Number.NaN])[0]));
});

test('numbers between are rounded to the nearest, ties to even', () => {
  assert.deepEqual([...through([1 + 2 ** -11, 1 + 3 * 2 ** -11, 2049, 2051])], [1, 1 + 2 ** -9, 2048, 2052]);
  assert.deepEqual([...through([65519, 65520, 1e9, -1e9])], [65504, Infinity, Infinity, -Infinity]);
  assert.deepEqual([...through([2 ** -25, 1.5 * 2 ** -25, 2 ** -26, -(2 ** -24)])], [0, 2 ** -24, 0, -(2 ** -24)]);
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: -60000, max: 60000 }), (x) => {
      const y = through([x])[0] as number;
      assert.ok(Math.abs(y - x) <= Math.max(Math.abs(x) * 2 ** -11, 2 ** -25));
    }),
  );
});
