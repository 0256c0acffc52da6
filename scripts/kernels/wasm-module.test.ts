import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { kernels, moduleText } from './wasm-module.js';

const root = new URL('../../../', import.meta.url);

for (const kernel of kernels) {
  test(`${kernel}-module.ts is what ${kernel}.wat compiles to`, async () => {
    assert.equal(await readFile(new URL(`${kernel}-module.ts`, root), 'utf8'), await moduleText(kernel, root));
  });
}
