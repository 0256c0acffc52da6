import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochAxis } from './epoch-axis.js';

test('epochs are labelled in even steps, and never more than there is room for', () => {
  assert.deepEqual(epochAxis(12, 4).values, [0, 5, 10]);
  assert.deepEqual(epochAxis(12, 8).values, [0, 2, 4, 6, 8, 10, 12]);
  assert.deepEqual(epochAxis(1, 4).values, [0, 1]);
  for (let last = 1; last < 3000; last++) {
    const { values } = epochAxis(last, 4);
    assert.ok(values.length >= 2 && values.length <= 4, `${last}: ${values}`);
  }
});
