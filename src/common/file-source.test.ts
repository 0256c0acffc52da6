import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFileSource } from './file-source.js';

const check = (source: unknown) => (): void => checkFileSource(source, 'The checkpoint');

test('what is no file is told by its type, and bytes that were given away by that', () => {
  for (const source of ['a', new URL('file:///a'), new Uint8Array(0), new ArrayBuffer(0), new Blob([])])
    check(source)();
  for (const [source, type] of [
    [undefined, 'of type undefined'],
    [null, 'null'],
    [5, 'of type number'],
    [{}, 'of type object'],
    [[], 'of type object'],
    [new Float32Array(1), 'of type object'],
  ]) {
    const message = `The checkpoint is ${type}, not a file; pass a path, a URL or the bytes of a file.`;
    assert.throws(check(source), { name: 'UserError', kind: 'usage', message });
  }
  const given = new Uint8Array(8);
  structuredClone(given, { transfer: [given.buffer] });
  const message = 'The checkpoint is in memory that was given to another thread; pass a copy.';
  for (const source of [given, given.buffer]) {
    assert.throws(check(source), { name: 'UserError', kind: 'input', message });
  }
});
