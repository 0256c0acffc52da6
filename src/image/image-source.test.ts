import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkImage, type DecodeRequest, isRawImage, pictureOf } from './image-source.js';

const request: DecodeRequest = { name: 'Picture 1', transparency: 'white' };

/** As a program without types would call it. */
const untyped = (image: object): unknown => Reflect.apply(pictureOf, undefined, [image, request]);

test('RGBA is blended with white, or stripped of its alpha', () => {
  const image = { width: 3, height: 1, data: Uint8ClampedArray.of(10, 20, 30, 255, 0, 100, 200, 0, 0, 100, 200, 51) };
  assert.deepEqual([...pictureOf(image, request).data], [10, 20, 30, 255, 255, 255, 204, 224, 244]);
  const dropped = pictureOf(image, { ...request, transparency: 'drop' });
  assert.deepEqual([...dropped.data], [10, 20, 30, 0, 100, 200, 0, 100, 200]);
  assert.deepEqual([dropped.width, dropped.height, dropped.channels], [3, 1, 3]);
});

test('RGB and gray are taken as they are, also from the middle of a buffer', () => {
  const buffer = Uint8Array.of(9, 9, 1, 2, 3, 4, 5, 6, 9);
  const rgb = pictureOf({ width: 1, height: 2, channels: 3, data: buffer.subarray(2, 8) }, request);
  assert.deepEqual([...rgb.data], [1, 2, 3, 4, 5, 6]);
  assert.equal(rgb.data.buffer, buffer.buffer);
  assert.equal(pictureOf({ width: 2, height: 1, channels: 1, data: buffer.subarray(0, 2) }, request).channels, 1);
});

test('sizes that do not fit are refused in a sentence', () => {
  const wrong = [
    { width: 2, height: 2, data: new Uint8Array(12) },
    { width: 0, height: 5, data: new Uint8Array(0) },
    { width: -1, height: -1, channels: 1 as const, data: new Uint8Array(1) },
    { width: 1.5, height: 2, channels: 1 as const, data: new Uint8Array(3) },
    { width: Number.NaN, height: 1, data: new Uint8Array(4) },
  ];
  for (const image of wrong)
    assert.throws(() => pictureOf(image, request), /^UserError: Picture 1 has \d+ values, not the/);
});

test('pixels that are none, and too many, are refused in a sentence', () => {
  const large = { width: 8001, height: 8000, channels: 1, data: new Uint8Array(8001 * 8000) } as const;
  assert.throws(
    () => pictureOf(large, request),
    /^UserError: Picture 1 is 8001 x 8000 pixels, more than the 64 megapixels/,
  );
  assert.throws(() => untyped({ width: 1, height: 1, data: new Float32Array(4) }), /pixels that are no 8-bit numbers/);
  assert.throws(
    () => untyped({ width: 2, height: 1, channels: 2, data: new Uint8Array(4) }),
    /has 2 channels; pass a Uint8Array of gray/,
  );
});

test('what is no picture at all is refused by its type', () => {
  for (const [value, words] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [42, 'number'],
    [{}, 'object'],
    [new Set(), 'object'],
  ] as const)
    assert.throws(
      () => checkImage(value, 'Picture 1'),
      new RegExp(`^UserError: Picture 1 is (of type )?${words}, not a picture`),
    );
  for (const value of ['a.png', new URL('file:///a.png'), new Uint8Array(1), new ArrayBuffer(1), new Blob([])])
    checkImage(value, '');
});

test('raw pixels are told from files', () => {
  assert.equal(isRawImage({ width: 1, height: 1, data: new Uint8Array(4) }), true);
  for (const image of ['a.png', new URL('file:///a.png'), new Uint8Array(3), new ArrayBuffer(2), new Blob([])]) {
    assert.equal(isRawImage(image), false);
  }
});
