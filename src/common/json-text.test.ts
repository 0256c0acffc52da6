import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonText } from './json-text.js';

test('JSON is exact, and does nothing to a terminal', () => {
  const name = 'a\u001b[2J\u009b31m\u007f\u202e\u2028.jpg';
  const text = jsonText({ [name]: [name] }, 2);
  assert.deepEqual(JSON.parse(text), { [name]: [name] });
  assert.match(text, /\\u001b\[2J\\u009b31m\\u007f\\u202e\\u2028\.jpg/);
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const written = jsonText(value);
      assert.doesNotMatch(written, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      assert.deepEqual(JSON.parse(written), JSON.parse(JSON.stringify(value)));
    }),
  );
});
