// Compiles kernels from their sources: node scripts/compile-kernels.mjs
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { compile, root } from './support/steps.mjs';

compile();
const { kernels, moduleOf, moduleText } = await import('../dist/scripts/kernels/wasm-module.js');
const folder = pathToFileURL(root);
for (const kernel of kernels) {
  writeFileSync(new URL(moduleOf(kernel), folder), await moduleText(kernel, folder));
}
