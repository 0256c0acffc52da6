import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { UserError } from './errors.js';
import { parseJson } from './json.js';
import { jsonSize } from './json-size.js';

const sizeOf = (value: unknown): ReturnType<typeof jsonSize> => jsonSize(Buffer.from(JSON.stringify(value)));

test('depth and values of a JSON text, whatever its texts hold', () => {
  assert.deepEqual(sizeOf(1), { depth: 0, values: 0 });
  assert.deepEqual(sizeOf({ a: [1, 2], b: { c: [] } }), { depth: 3, values: 9 });
  assert.deepEqual(sizeOf(['[[{"\\', '"],']), { depth: 1, values: 2 });
  assert.deepEqual(jsonSize(Buffer.from('["a')), { depth: 1, values: 1 });
});

test('a document that is nested without end is refused before it is parsed', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  assert.deepEqual(parseJson(nested(3), z.unknown(), 'it'), [[[]]]);
  assert.throws(
    () => parseJson(nested(100_000), z.unknown(), 'it'),
    (error) => error instanceof UserError && /it is nested deeper than 64 levels/.test(error.message),
  );
});
