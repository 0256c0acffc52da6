import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { untilAborted } from './until-aborted.js';

setFlagsFromString('--expose_gc');
const collect: unknown = runInNewContext('gc');

test('items that were given are not kept', async () => {
  assert.ok(typeof collect === 'function');
  const references: WeakRef<Uint8Array>[] = [];
  async function* frames(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 50; i++) yield new Uint8Array(1e5);
  }
  const given = untilAborted(frames(), new AbortController().signal, new AbortController());
  for await (const item of given) {
    references.push(new WeakRef(item));
    // What is held on to through promises is let go of a turn later.
    await new Promise((resolve) => setImmediate(resolve));
  }
  collect();
  assert.equal(references.length, 50);
  assert.ok(references.filter((one) => one.deref() !== undefined).length <= 2);
});

test('a signal ends it while the source lets wait; a failure of the source is thrown', async () => {
  const stop = new AbortController();
  const ending = new AbortController();
  async function* silent(): AsyncGenerator<number> {
    yield 1;
    await new Promise<void>((resolve) => ending.signal.addEventListener('abort', () => resolve()));
  }
  const received: number[] = [];
  for await (const item of untilAborted(silent(), stop.signal, ending)) {
    received.push(item);
    setImmediate(() => stop.abort());
  }
  assert.deepEqual([received, ending.signal.aborted], [[1], true]);
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    throw new Error('unplugged');
  }
  const given = untilAborted(failing(), new AbortController().signal, new AbortController());
  await assert.rejects(async () => {
    for await (const _ of given);
  }, /unplugged/);
});
