import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bar } from './bar.js';

test('a bar grows by eighths and stays within its width', () => {
  assert.equal(bar(0), '');
  assert.equal(bar(1, 4), '████');
  assert.equal(bar(0.5, 4), '██');
  assert.equal(bar(1 / 32, 4), '▏');
  assert.equal(bar(7 / 32, 4), '▉');
  assert.equal(bar(8 / 32, 4), '█');
  assert.equal(bar(-1, 4), '');
  assert.equal(bar(2, 4), '████');
});
