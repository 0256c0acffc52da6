// npm run package: builds the package and packs it into a file, for `npm install FILE`.
import { renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { node, pack, root } from './support/steps.mjs';

node(['scripts/build.mjs']);
const packed = await pack(join(root, 'dist/packed'));
const file = join(root, basename(packed));
renameSync(packed, file);
console.log(`Packed. In your project: ONNXRUNTIME_NODE_INSTALL=skip npm install ${file}`);
