import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defined } from './defined.js';

interface Options {
  readonly threads?: number;
  readonly name?: string | null;
  readonly size: number;
}

test('what is undefined is left out, and the type says so', () => {
  const threads: number | undefined = [1, undefined].at(1);
  const options: Options = defined({ threads, name: null, size: 0 });
  assert.deepEqual(Object.keys(options), ['name', 'size']);
  const kept: Options = { size: 1, ...defined({ threads: [4].at(0) }) };
  assert.deepEqual(kept, { size: 1, threads: 4 });
  // @ts-expect-error a property that may be missing is not one that is there
  const size: { readonly size: number } = defined({ size: threads });
  assert.deepEqual(size, {});
});
