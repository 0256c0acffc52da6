/*
 * `npm run bench:browser [-- PART...]`: the package in Chromium. Parts, all of them where none is named:
 *   parity      the same pictures in Node and in Chromium
 *   speed       crops, pictures and video, beside `@vladmandic/face-api` and `@vladmandic/human` in the same browser
 *   cold-start  time and bytes from navigation to the first result
 *   memory      with the camera, and over rounds of loading and disposing
 * Options: --runs N of speed (default 15) and of cold-start (a third of them), --minutes N of the camera (default 10),
 * --rounds N of loading (default 10).
 */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { coldStart } from './browser/cold-start.js';
import { memory } from './browser/memory.js';
import { parity } from './browser/parity.js';
import { speed } from './browser/speed.js';

const { values: options, positionals: named } = parseArgs({
  options: {
    runs: { type: 'string', default: '15' },
    minutes: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '10' },
  },
  allowPositionals: true,
});
const runs = Number(options.runs);

const parts = {
  parity,
  speed: () => speed(runs),
  'cold-start': () => coldStart(Math.ceil(runs / 3)),
  memory: () => memory(Number(options.minutes), Number(options.rounds)),
} as const;

const unknown = named.filter((name) => !(name in parts));
if (unknown.length > 0)
  throw new Error(`There is no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}.`);
const [load = 0] = loadavg();
console.log(`${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.version}`);
if (load > 1) console.log(`The machine is busy with other work (load ${load.toFixed(1)}): times are upper bounds.`);
for (const [name, part] of Object.entries(parts)) {
  if (named.length > 0 && !named.includes(name)) continue;
  console.log(`\n${name}`);
  await part();
}
