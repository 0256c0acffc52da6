// npm run check: what to run before every commit. Format and lint, types, tests beside the code; under a minute.
import { compile, install, lint, test, testsIn } from './support/steps.mjs';

install();
lint();
compile();
test([...testsIn('src'), ...testsIn('scripts'), 'dist/test/rooms.test.js']);
