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
  const options: Options = { size: 0, ...defined({ threads, name: null }) };
  assert.deepEqual(Object.keys(options), ['size', 'name']);
  const kept: Options = { size: 1, ...defined({ threads: [4].at(0) }) };
  assert.deepEqual(kept, { size: 1, threads: 4 });
  assert.deepEqual(defined<Options>({ threads: 4, size: undefined }), { threads: 4 });
  // @ts-expect-error a property that may be missing is not one that is there
  const size: { readonly size: number } = defined({ size: threads });
  assert.deepEqual(size, {});
});

test('the compiler finds names and values that the target does not know', () => {
  const four = [4].at(0);
  // @ts-expect-error options have threads
  const misspelt: Options = { size: 1, ...defined({ thread: four }) };
  assert.deepEqual(misspelt, { size: 1, thread: 4 });
  // @ts-expect-error they are a number
  const wrong: Options = { size: 1, ...defined({ threads: '4' }) };
  assert.deepEqual(wrong, { size: 1, threads: '4' });
  // @ts-expect-error nothing says what these are
  const untyped: object = { ...defined({ thread: four }) };
  assert.deepEqual(untyped, { thread: 4 });
});
