// npm run build: what the other commands do first. All that the package holds.
import { join } from 'node:path';
import { compile, install, root } from './support/steps.mjs';

install();
compile();
// What they need is installed only now.
const { buildPage } = await import('./support/page-bundle.mjs');
const { bundleForBrowsers } = await import('./support/browser-bundle.mjs');
await buildPage(join(root, 'dist/page'), { complete: false });
await bundleForBrowsers(root);
