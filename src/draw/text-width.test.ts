import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf, shortened, wrapped } from './text-width.js';

test('wide letters count twice, accents and joiners not at all', () => {
  assert.equal(columnsOf('happy'), 5);
  assert.equal(columnsOf('幸せ'), 4);
  assert.equal(columnsOf('행복'), 4);
  assert.equal(columnsOf('e\u0301te\u0301'), 3);
  assert.equal(columnsOf('می\u200cخواهم'), 7);
  assert.equal(columnsOf(''), 0);
});

test('what is too long is cut, by its width', () => {
  assert.equal(shortened('contempt', 8), 'contempt');
  assert.equal(shortened('contemptuous', 8), 'contemp…');
  assert.equal(shortened('とても長い', 5), 'とて…');
});

test('text is broken at spaces', () => {
  assert.deepEqual(wrapped('one two three', 7), ['one two', 'three']);
  assert.deepEqual(wrapped('unbreakable word', 4), ['unbreakable', 'word']);
});
