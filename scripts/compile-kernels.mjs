// Compiles kernels from their WebAssembly text: node scripts/compile-kernels.mjs
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { compile, root } from './support/steps.mjs';

compile();
const { kernels, moduleText } = await import('../dist/scripts/kernels/wasm-module.js');
const folder = pathToFileURL(root);
for (const kernel of kernels) {
  writeFileSync(new URL(`${kernel}-module.ts`, folder), await moduleText(kernel, folder));
}
