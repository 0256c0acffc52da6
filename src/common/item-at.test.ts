import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryOf, itemAt } from './item-at.js';

test('what must be there is given, also undefined, and is an error where it is not', () => {
  assert.equal(itemAt([1, 2], 1), 2);
  assert.equal(itemAt([undefined], 0), undefined);
  assert.throws(() => itemAt([1, 2], 2), { name: 'RangeError', message: 'index 2 is not in a list of 2' });
  const map = new Map<string, number | undefined>([
    ['a', 0],
    ['b', undefined],
  ]);
  assert.equal(entryOf(map, 'a'), 0);
  assert.equal(entryOf(map, 'b'), undefined);
  assert.throws(() => entryOf(map, 'c'), { name: 'RangeError', message: 'c is not in a map of 2' });
});
