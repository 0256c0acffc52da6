/*
 * `npm run bench:serve`: what `poster serve` does under load, and whether it keeps its bounds: exit code 1 where it does not.
 *
 *   load      pictures a second and times of answers at 1, 8 and 64 clients, with and without shared runs of the network, beside the library in a
 *             loop: what HTTP costs. 8 rows of --seconds.
 *   overload  three times as many requests as it can answer, for --overload seconds.
 *   soak      --soak pictures of random sizes, 2% of them hostile, by 8 clients.
 *   kill      the process of the networks is killed (-9) three times in the middle of load.
 *
 * The server is a process of its own; this one only asks. Options: --part NAME (again for each; default: all),
 * --seconds N (10), --overload N (30; 600 for a claim), --soak N (1000; 100000 for a claim), --threads N of the networks (default: all),
 * --picture FILE.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { brokenBounds } from './serve/bounds.js';
import { measureKills } from './serve/kill.js';
import { measureLoad } from './serve/load.js';
import { measureOverload } from './serve/overload.js';
import { measureSoak } from './serve/soak.js';

const { values: options } = parseArgs({
  options: {
    part: { type: 'string', multiple: true, default: ['load', 'overload', 'soak', 'kill'] },
    seconds: { type: 'string', default: '10' },
    overload: { type: 'string', default: '30' },
    soak: { type: 'string', default: '1000' },
    threads: { type: 'string' },
    picture: { type: 'string', default: 'assets/astronaut.png' },
  },
});
const picture = await readFile(options.picture);
const threads = options.threads === undefined ? undefined : Number(options.threads);

const parts: ReadonlyMap<string, () => Promise<void>> = new Map([
  ['load', () => measureLoad({ picture, seconds: Number(options.seconds), threads })],
  ['overload', () => measureOverload({ picture, seconds: Number(options.overload), threads })],
  ['soak', () => measureSoak({ picture, pictures: Number(options.soak), threads })],
  ['kill', () => measureKills(picture, threads)],
]);
for (const name of options.part) {
  const part = parts.get(name);
  if (part === undefined) throw new Error(`There is no part ${name}; there are ${[...parts.keys()].join(', ')}.`);
  console.log(`\n${name}`);
  const begun = performance.now();
  await part();
  console.log(`(${((performance.now() - begun) / 1000).toFixed(0)} s)`);
}
process.exitCode = brokenBounds() === 0 ? 0 : 1;
