import assert from 'node:assert/strict';
import { test } from 'node:test';
import { warp } from './warp.js';

const picture = { width: 2, height: 2, channels: 1, data: Uint8Array.of(10, 20, 30, 40) } as const;

test('a picture that is moved out of reach is refused, and does not compute for ever', () => {
  for (const far of [2 ** 53, 1e300, Number.POSITIVE_INFINITY, Number.NaN]) {
    assert.throws(() => warp(picture, { a: 1, b: 0, tx: far, ty: 0 }, 2, 2), RangeError);
    assert.throws(() => warp(picture, { a: 1, b: 0, tx: 0, ty: -far }, 2, 2), RangeError);
  }
});

test('a picture that is moved far away is its border, or black', () => {
  const far = { a: 1, b: 0, tx: -(2 ** 40), ty: -(2 ** 40) };
  assert.deepEqual([...warp(picture, far, 2, 1).data], [40, 40]);
  assert.deepEqual([...warp(picture, far, 2, 1, 'black').data], [0, 0]);
});

test('a picture that shrinks to nothing is refused', () => {
  assert.throws(() => warp(picture, { a: 0, b: 0, tx: 0, ty: 0 }, 2, 2), RangeError);
  assert.throws(() => warp(picture, { a: Number.NaN, b: 0, tx: 0, ty: 0 }, 2, 2), RangeError);
});

test('a picture of which an output pixel covers many is its colour, or black, and does not compute for ever', () => {
  const large = { width: 60, height: 40, channels: 3, data: new Uint8Array(60 * 40 * 3).fill(90) } as const;
  for (const scale of [1e-3, 1e-6, 1e-100]) {
    for (const [source, colour] of [
      [picture, 25],
      [large, 90],
    ] as const) {
      const shrinking = { a: scale, b: 0, tx: 0, ty: 0 };
      assert.deepEqual([...new Set(warp(source, shrinking, 3, 2).data)], [colour], `${scale}`);
      const black = Math.max(...warp(source, shrinking, 3, 2, 'black').data);
      assert(black <= 1, `${scale}: ${black}`);
      const { width, height, channels, data } = warp(source, shrinking, 3, 2);
      assert.deepEqual([width, height, channels, data.length], [3, 2, source.channels, 6 * source.channels]);
    }
  }
});
