import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeAll } from './close-all.js';

test('all are closed in order, and the first failure is thrown', async () => {
  const closed: string[] = [];
  const close = (name: string, error?: Error) => async () => {
    closed.push(name);
    if (error !== undefined) throw error;
  };
  const first = new Error('first');
  await assert.rejects(closeAll(close('a'), close('b', first), close('c', new Error('second')), close('d')), first);
  assert.deepEqual(closed, ['a', 'b', 'c', 'd']);
  await closeAll(close('e'), () => undefined);
});
