// npm run page:build OUT: the page as static files for any host. npm run page: builds it and opens it.
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { compile, install, node, root } from './support/steps.mjs';

const [out, ...more] = process.argv.slice(2);
if (out === undefined || more.length > 0) {
  console.error('Name the folder to write: npm run page:build OUT. It should be new or empty.');
  process.exit(2);
}
install();
compile();
// What it needs is installed only now.
const { buildPage } = await import('./support/page-bundle.mjs');
if (out === '--serve') {
  await buildPage(join(root, 'dist/page'), { complete: false });
  node(['dist/src/cli/main.js', 'page']);
} else {
  const folder = resolve(out);
  refuseOthers(folder);
  await buildPage(folder, { complete: true });
  console.log(`The page lies in ${out}. Any server of static files will do: docs/page.md.`);
}

/** What is in the folder is removed: it must be a page, or nothing. */
function refuseOthers(folder) {
  let names = [];
  try {
    names = readdirSync(folder);
  } catch {
    // It is not there yet.
  }
  if (names.length === 0 || names.includes('service-worker.js')) return;
  console.error(`${folder} holds other files than a page; name a new or empty folder.`);
  process.exit(2);
}
