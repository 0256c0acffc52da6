import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { random as randomOf } from '../../common/random.js';
import { readMessages, writeMessage } from './message-stream.js';

test('messages arrive as structured clones, whatever pieces they come in', () => {
  const random = randomOf(1, 'messages');
  const picture = new Uint8Array(100_000).map((_, i) => i * 7);
  const maps = new Float32Array([1.5, -2, Number.NaN]);
  const sent: [message: unknown, transfer: ArrayBuffer[]][] = [
    [{ type: 'item', picture, part: picture.subarray(10, 20) }, [picture.buffer]],
    [{ type: 'result', maps, none: undefined, map: new Map([['a', 1n]]) }, [maps.buffer]],
    [{ type: 'few', bytes: new Uint8Array([1, 2, 3]) }, []],
    [{ type: 'empty', data: new Uint8Array(0) }, [new ArrayBuffer(0), new ArrayBuffer(1)]],
    [null, []],
    [new RangeError('a reason', { cause: new Error('another') }), []],
  ];
  for (const most of [1, 7, 1000, 1_000_000]) {
    const written = new PassThrough({ highWaterMark: 10_000_000 });
    for (const [message, transfer] of sent) writeMessage(written, message, transfer);
    const bytes: unknown = written.read();
    assert.ok(Buffer.isBuffer(bytes));
    const received: unknown[] = [];
    const other = new PassThrough();
    readMessages(other, (message) => received.push(message));
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random.int(most);
      other.emit('data', bytes.subarray(at, at + length));
      at += length;
    }
    assert.deepEqual(
      received,
      sent.map(([message]) => structuredClone(message)),
    );
  }
  // The memory stays with whoever wrote it.
  assert.equal(picture[3], 21);
});

test('what cannot be cloned is thrown, and nothing of it is written', () => {
  const stream = new PassThrough();
  assert.throws(() => writeMessage(stream, { call: () => undefined }), /could not be cloned/);
  assert.equal(stream.readableLength, 0);
});
