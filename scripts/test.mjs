// npm test: everything that CI runs, on a fresh clone too.
import { join } from 'node:path';
import { byFolder, compile, install, lint, pack, root, testsIn } from './support/steps.mjs';
import { runTestFiles } from './support/test-files.mjs';

install();
compile();
// What they need is installed only now. Several test files share the page and the package; alone they make their own.
const { buildPage } = await import('./support/page-bundle.mjs');
process.env.POSTER_PAGE = join(root, 'dist/page');
await buildPage(process.env.POSTER_PAGE, { complete: false });
const packing = pack(join(root, 'dist/packed'));
// Beside the packing.
lint();
process.env.POSTER_PACKED = await packing;
// Those that take long come first: beside them the others run, while at the end they would run alone.
const long = ['webgpu', 'page-trouble', 'page', 'cli', 'golden-train', 'golden-step-v1', 'networks'].map((name) =>
  join('dist', 'test', `${name}.test.js`),
);
const others = testsIn('test').filter((file) => !long.includes(file));
// Tests beside the code share a process for each folder: to start one for each file takes longer than most of them.
await runTestFiles([...long, ...byFolder(testsIn('scripts')), ...others, ...byFolder(testsIn('src'))]);
