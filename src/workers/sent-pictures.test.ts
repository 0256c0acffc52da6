import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sentFloats, sentFrame, sentImage, sentPictures } from './sent-pictures.js';

test('of a view its own values are sent, not all of its buffer', async () => {
  const all = Float32Array.of(1, 2, 3, 4);
  const { content, transfer, bytes } = await sentFloats(all.subarray(1, 3));
  assert.deepEqual([[...content], content.buffer.byteLength, bytes], [[2, 3], 8, 8]);
  assert.deepEqual(transfer, [content.buffer]);
  assert.deepEqual([...all], [1, 2, 3, 4]);
  const data = Uint8Array.of(9, 10, 11);
  const pictures = await sentPictures([
    { width: 1, height: 1, channels: 1, data: data.subarray(1, 2) },
    { width: 1, height: 1, channels: 1, data: data.subarray(2) },
  ]);
  assert.deepEqual(
    pictures.content.map((picture) => [...new Uint8Array(picture.data.buffer)]),
    [[10], [11]],
  );
  assert.equal(pictures.transfer.length, 2);
});

test('what cannot be cloned is sent as what errors say of it', async () => {
  const odd = () => 1;
  const pixels = { data: odd, width: odd, height: Symbol('tall'), channels: null };
  const frame = { time: odd, frame: 3n, picture: pixels };
  for (const parcel of [
    await Reflect.apply(sentImage, undefined, [pixels]),
    await Reflect.apply(sentFrame, undefined, [frame]),
    await Reflect.apply(sentFrame, undefined, [{ ...frame, picture: odd }]),
  ]) {
    structuredClone(parcel);
  }
  const { content } = await Reflect.apply(sentFrame, undefined, [frame]);
  const raw = { data: null, width: '() => 1', height: 'Symbol(tall)', channels: 'null' };
  assert.deepEqual(content, { time: '() => 1', frame: '3', cut: false, picture: { raw } });
});
