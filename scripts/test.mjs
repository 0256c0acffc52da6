// npm test: everything that CI runs, on a fresh clone too.
import { join } from 'node:path';
import { byFolder, compile, install, lint, pack, root, testsIn, together } from './support/steps.mjs';
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
const named = (...names) => names.map((name) => join('dist', 'test', `${name}.test.js`));
// Those that take long come first: beside them the others run, while at the end they would run alone.
const long = named('webgpu', 'page-trouble', 'page', 'cli', 'golden-train', 'golden-step-v1', 'networks');
// Small ones share a process, as tests beside the code do for each folder: to start one for each file takes longer than most of them.
const shared = {
  texts: named(
    ...['architecture', 'rooms', 'network-rooms', 'documentation', 'page-styles', 'compiler-example'],
    ...['optimizer-graphs', 'wrong-arguments', 'published-recipes', 'gradient-cases'],
  ),
  numbers: named('attention', 'attention-v1', 'channel-order', 'embed', 'explanation', 'hugging-face', 'golden'),
};
const small = Object.entries(shared).map(([name, files]) => together(name, files));
const apart = [...long, ...Object.values(shared).flat()];
const others = testsIn('test').filter((file) => !apart.includes(file));
await runTestFiles([...long, ...byFolder(testsIn('scripts')), ...others, ...small, ...byFolder(testsIn('src'))]);
