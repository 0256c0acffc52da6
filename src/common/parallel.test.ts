import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { forEachParallel } from './parallel.js';

test('every item once, no more at a time than allowed', async () => {
  const items = Array.from({ length: 20 }, (_, i) => i);
  for (const limit of [1, 3, 100]) {
    const visited: number[] = [];
    let running = 0;
    let most = 0;
    await forEachParallel(items, limit, async (item, index) => {
      assert.equal(item, index);
      most = Math.max(most, ++running);
      for (let i = item % 3; i >= 0; i--) await turn();
      running--;
      visited.push(item);
    });
    assert.deepEqual(
      visited.sort((a, b) => a - b),
      items,
    );
    assert.equal(most, Math.min(limit, items.length));
  }
  await forEachParallel([], 4, () => assert.fail('nothing to do'));
});

test('after a failure, or the signal, nothing starts; what is under way is waited for', async () => {
  const ended: number[] = [];
  const failing = forEachParallel([0, 1, 2, 3, 4, 5], 2, async (item) => {
    if (item === 1) throw new Error('one');
    for (let i = 0; i < 4; i++) await turn();
    ended.push(item);
  });
  await assert.rejects(failing, /^Error: one$/);
  assert.deepEqual(ended, [0]);
  const controller = new AbortController();
  const reason = new Error('stopped');
  const started: number[] = [];
  const stopped = forEachParallel(
    [0, 1, 2, 3],
    1,
    async (item) => {
      started.push(item);
      await turn();
      if (item === 1) controller.abort(reason);
    },
    controller.signal,
  );
  await assert.rejects(stopped, reason);
  assert.deepEqual(started, [0, 1]);
});
