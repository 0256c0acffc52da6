/** `npm run interface`: the public interface as it is now becomes the one that the test compares with. */
import { writeFileSync } from 'node:fs';
import { agreedInterface, publicInterface } from './public-interface.js';

writeFileSync(agreedInterface, `${publicInterface().join('\n')}\n`);
