#!/usr/bin/env node
import { run } from './program.js';
import { watchStdout } from './stdout.js';

// Talk that nobody hears, in a terminal that was closed, is no failure.
process.stderr.on('error', () => undefined);
await run(process.argv.slice(2), watchStdout);
