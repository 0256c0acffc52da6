// npm run check: what to run before every commit. Format and lint, types, tests beside the code; about a minute on two cores.
import { join } from 'node:path';
import { byFolder, compile, install, lint, testsIn } from './support/steps.mjs';
import { runTestFiles } from './support/test-files.mjs';

install();
lint();
compile();
await runTestFiles(byFolder([...testsIn('src'), ...testsIn('scripts'), join('dist', 'test', 'rooms.test.js')]));
