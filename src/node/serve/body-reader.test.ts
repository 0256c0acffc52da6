import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyReader } from './body-reader.js';

const about = { form: 'file', limits: { maxPicture: 1_000_000, maxPictures: 1 } } as const;
const large = (): Uint8Array => new Uint8Array(100_000);

test('a body that nobody waits for any more leaves the queue of the thread; those behind it are read', async (t) => {
  const reader = new BodyReader();
  t.after(() => reader.dispose());
  const { signal } = new AbortController();
  const first = reader.read('pictures', large(), about, signal);
  const leaving = new AbortController();
  const body = large();
  const left = reader.read('pictures', body, about, leaving.signal);
  const last = reader.read('pictures', large(), about, signal);
  leaving.abort(new Error('left'));
  await assert.rejects(left, /left/);
  for (const { pictures } of await Promise.all([first, last])) assert.equal(pictures[0]?.bytes.length, 100_000);
  // The thread never got it.
  assert.equal(body.length, 100_000);
});

test('bodies that wait when the server stops are told so', async () => {
  const reader = new BodyReader();
  const { signal } = new AbortController();
  const waiting = [1, 2].map(() => reader.read('pictures', large(), about, signal));
  const settled = Promise.allSettled(waiting);
  await reader.dispose();
  for (const result of await settled) {
    assert.ok(result.status === 'rejected');
    assert.match(String(result.reason), /The thread that reads bodies has ended/);
  }
});
