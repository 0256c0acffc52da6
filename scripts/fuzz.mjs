// npm run fuzz [-- COUNT [SEED]]: mutated checkpoints, in a process that may read files and nothing else.
import { compile, install, node } from './support/steps.mjs';

install();
compile();
// The flag lost its first half in Node 22.13.
const permission = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';
const limits = ['--allow-fs-read=*', '--disallow-code-generation-from-strings', '--max-old-space-size=256'];
node([permission, ...limits, 'dist/test/fuzz/checkpoints.js', ...process.argv.slice(2)]);
