// npm test: everything that CI runs, on a fresh clone too.
import { compile, install, lint, test, testsIn } from './support/steps.mjs';

install();
lint();
compile();
test([...testsIn('src'), ...testsIn('scripts'), ...testsIn('test')]);
