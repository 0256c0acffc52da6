import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { kernels, moduleOf, moduleText } from './wasm-module.js';

const root = new URL('../../../', import.meta.url);

for (const kernel of kernels) {
  test(`${moduleOf(kernel)} is what ${kernel} compiles to`, async () => {
    assert.equal(await readFile(new URL(moduleOf(kernel), root), 'utf8'), await moduleText(kernel, root));
  });
}
