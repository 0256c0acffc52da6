// Copies what a page without a bundler needs of the package into the folder poster-v2, beside the page.
import { cpSync } from 'node:fs';

const installed = new URL(import.meta.resolve('poster-v2/package.json'));
for (const [from, to] of [
  ['dist/browser/', 'poster-v2/'],
  ['weights/', 'poster-v2/weights/'],
  ['dist/page/runtime/', 'poster-v2/runtime/'],
]) {
  cpSync(new URL(from, installed), new URL(to, import.meta.url), { recursive: true });
}
