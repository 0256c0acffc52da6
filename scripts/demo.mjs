// npm run demo: from a fresh clone to an expression read from a picture.
import { compile, install, node } from './support/steps.mjs';

install();
compile();
node(['dist/src/cli/main.js', 'predict', 'assets/astronaut-face.png', '--aligned']);
console.log('\nNext: crop a face of your own, brow to chin, and run: npx poster predict YOUR-FACE.jpg --aligned');
