/*
 * `npm run bench:serve`: pictures a second and times of answers of `poster serve`, at 1, 8 and 64 clients that ask again as soon as
 * they are answered. Beside it the library in a loop, in a thread of its own as in the server, one picture after the other and as a list: the difference is
 * what HTTP costs. `concurrency 1` is the server without shared runs of the network. The server is a process of its own; this one only asks.
 * Options: --seconds N of each row (default 10), --threads N of the networks (default: all), --picture FILE.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { itemAt } from '../src/common/item-at.js';
import { Recognizer } from '../src/recognize/index.js';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    threads: { type: 'string' },
    picture: { type: 'string', default: 'assets/astronaut.png' },
  },
});
const milliseconds = 1000 * Number(options.seconds);
const picture = await readFile(options.picture);
const threads = options.threads === undefined ? {} : { threads: Number(options.threads) };

function row(name: string, times: readonly number[], whole: number, turnedAway = 0): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    sorted.length === 0 ? '-' : itemAt(sorted, Math.floor(share * (sorted.length - 1))).toFixed(1);
  const cells = [(times.length / (whole / 1000)).toFixed(1), at(0.5), at(0.99), String(turnedAway)];
  console.log(`${name.padEnd(34)}${cells.map((cell) => cell.padStart(10)).join('')}`);
}

/** Times of a work that is done again and again by so many at a time. */
async function measured(clients: number, work: () => Promise<boolean>): Promise<[number[], number, number]> {
  const times: number[] = [];
  let turnedAway = 0;
  const begin = performance.now();
  const client = async (): Promise<void> => {
    while (performance.now() - begin < milliseconds) {
      const asked = performance.now();
      if (await work()) times.push(performance.now() - asked);
      else turnedAway++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return [times, performance.now() - begin, turnedAway];
}

async function started(...more: readonly string[]): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
  const own = options.threads === undefined ? [] : ['--threads', options.threads];
  const many = ['--client-requests', '1000', '--max-queue', '1000', '--log', 'error'];
  const child = spawn(process.execPath, [main, 'serve', '--port', '0', ...many, ...own, ...more], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let told = '';
    child.once('exit', () => reject(new Error(told)));
    child.stderr?.on('data', (data: Buffer) => {
      told += data.toString();
      const [, found] = /^Ready: (http:\S+)\/docs/m.exec(told) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  return { url, child };
}

/** @returns whether it was answered */
function ask(url: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': picture.length };
    const asked = request(`${url}/v1/recognize`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
    });
    asked.once('error', reject);
    asked.end(picture);
  });
}

console.log(`${options.picture}, ${options.seconds} s each`);
console.log(
  `${''.padEnd(34)}${['pictures/s', 'p50 ms', 'p99 ms', 'refused'].map((cell) => cell.padStart(10)).join('')}`,
);

const recognizer = await Recognizer.load({ ...threads, worker: true });
await recognizer.recognize(picture);
const one = async (): Promise<boolean> => {
  await recognizer.recognize(picture);
  return true;
};
row('library, 1 at a time', ...(await measured(1, one)));
row('library, 8 at a time', ...(await measured(8, one)));
await recognizer.dispose();

for (const [name, ...more] of [['server'], ['server, concurrency 1', '--concurrency', '1']] as const) {
  const { url, child } = await started(...more);
  for (const clients of [1, 8, 64]) {
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    await ask(url, agent);
    row(`${name}, ${clients} clients`, ...(await measured(clients, () => ask(url, agent))));
    agent.destroy();
  }
  child.kill('SIGTERM');
}
