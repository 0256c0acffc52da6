// The page's files, from what is compiled already: node scripts/bundle-page.mjs OUT [complete]
import { buildPage } from './support/page-bundle.mjs';

const [out, extent] = process.argv.slice(2);
if (out === undefined) throw new Error('name a folder');
await buildPage(out, { complete: extent === 'complete' });
