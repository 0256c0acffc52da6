// npm run check: what to run before every commit. Format and lint, types, tests beside the code; about a minute on two cores.
import { join } from 'node:path';
import { byFolder, compile, install, lint, test, testsIn } from './support/steps.mjs';

install();
lint();
compile();
test(byFolder([...testsIn('src'), ...testsIn('scripts'), join('dist', 'test', 'rooms.test.js')]));
