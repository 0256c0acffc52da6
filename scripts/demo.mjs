// npm run demo: from a fresh clone to the expression on a face in a photo, and a picture that shows it.
import { compile, install, node } from './support/steps.mjs';

install();
compile();
node(['dist/src/cli/main.js', 'predict', 'assets/astronaut.png', '--draw', 'demo.png']);
console.log('\nOpen demo.png to see it. Next, a photo of your own: npx poster predict YOUR-PHOTO.jpg --draw seen.png');
