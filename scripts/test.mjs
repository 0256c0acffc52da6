// npm test: everything that CI runs, on a fresh clone too.
import { join } from 'node:path';
import { byFolder, compile, install, lint, pack, root, testsIn } from './support/steps.mjs';
import { runTestFiles } from './support/test-files.mjs';

install();
compile();
// What they need is installed only now. Several test files share the page and the package; alone they make their own.
const { buildPage } = await import('./support/page-bundle.mjs');
await buildPage(join(root, 'dist/page'), { complete: false });
const packing = pack(join(root, 'dist/packed'));
// Beside the packing.
lint();
process.env.POSTER_PACKED = await packing;
// Tests beside the code share a process for each folder: to start one for each file takes longer than most of them.
const beside = byFolder([...testsIn('src'), ...testsIn('scripts')]);
// The longest first: beside it the others run, while at the end it would run alone.
const longest = join('dist', 'test', 'webgpu.test.js');
await runTestFiles([longest, ...testsIn('test').filter((file) => file !== longest), ...beside]);
