import assert from 'node:assert/strict';
import { test } from 'node:test';
import { names, numbers } from './arguments.js';

const nothings = ['', ' ', '1,,2', '5,', ',5'];

test('a list of numbers holds those that are written, and none for what is missing', () => {
  assert.deepEqual(numbers('0, 1.5,-2e-1,.5'), [0, 1.5, -0.2, 0.5]);
  for (const text of [...nothings, '0x10', 'Infinity', '1e999', '5,a', '1;2']) {
    assert.throws(
      () => numbers(text),
      { code: 'commander.invalidArgument', message: /^It must be numbers with/ },
      text,
    );
  }
});

test('a list of names holds no empty one', () => {
  assert.deepEqual(names('contempt, fear'), ['contempt', 'fear']);
  for (const text of nothings) {
    assert.throws(() => names(text), { code: 'commander.invalidArgument', message: /^It must be names with/ }, text);
  }
});
