// npm test: everything that CI runs, on a fresh clone too.
import { join } from 'node:path';
import { compile, install, lint, test, testsIn } from './support/steps.mjs';

install();
lint();
compile();
// The longest first: beside it the others run, while at the end it would run alone.
const longest = join('dist', 'test', 'webgpu.test.js');
const others = [...testsIn('src'), ...testsIn('scripts'), ...testsIn('test')].filter((file) => file !== longest);
test([longest, ...others]);
