/*
 * `node dist/bench/blocking.js`: for how long a photo of 12 megapixels with 24 faces blocks the event loop of who has it recognised, in
 * this thread and with `worker: true`. A timer of a millisecond is set again and again. Two figures of each run: by how much it came
 * too late at most, and how long this thread computed at most between two of them (on Linux). The first also grows with what other
 * processes do.
 * Options: --runs N (default 5), --threads N of the networks (default 2).
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import type { ImageSource } from '../src/image/index.js';
import { Recognizer } from '../src/recognize/index.js';
import { crowd, facesInCrowd } from './sample-media.js';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, threads: { type: 'string', default: '2' } },
});
const [runs, threads] = [Number(options.runs), Number(options.threads)];

/** In milliseconds. */
interface Measured {
  readonly late: number;
  readonly computed: number;
  readonly whole: number;
}

/** Milliseconds that this thread has been on a processor, as Linux counts them. */
function processorTime(): number {
  if (process.platform !== 'linux') return Number.NaN;
  const [nanoseconds] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ');
  return Number(nanoseconds) / 1e6;
}

async function measured(work: () => Promise<unknown>): Promise<Measured> {
  let [late, computed, done] = [0, 0, false];
  const watch = async (): Promise<void> => {
    while (!done) {
      const [before, used] = [performance.now(), processorTime()];
      await sleep(1);
      late = Math.max(late, performance.now() - before - 1);
      computed = Math.max(computed, processorTime() - used);
    }
  };
  const watching = watch();
  await sleep(20);
  [late, computed] = [0, 0];
  const start = performance.now();
  await work();
  const whole = performance.now() - start;
  done = true;
  await watching;
  return { late, computed, whole };
}

function row(name: string, all: readonly Measured[]): void {
  const columns = [all.map(({ late }) => late), all.map(({ computed }) => computed), all.map(({ whole }) => whole)];
  const cells = columns.map((values) => {
    const sorted = values.toSorted((a, b) => a - b);
    return [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map((value) => (value ?? Number.NaN).toFixed(1));
  });
  console.log(name.padEnd(32) + cells.map((three) => three.join(' / ').padStart(26)).join(''));
}

const jpeg = await crowd();
const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
const raw = { data, width: info.width, height: info.height, channels: 3 } as const;
const inputs: readonly (readonly [name: string, image: ImageSource])[] = [
  [`JPEG, ${(jpeg.length / 1e6).toFixed(1)} MB`, jpeg],
  [`pixels, ${(data.length / 1e6).toFixed(0)} MB`, raw],
];
console.log(
  `${info.width} x ${info.height} pixels, ${facesInCrowd} faces; least / median / most of ${runs} runs, in milliseconds`,
);
console.log(`${''.padEnd(32)}${['late', 'computed', 'whole run'].map((head) => head.padStart(26)).join('')}`);
const idle: Measured[] = [];
for (let run = 0; run < runs; run++) idle.push(await measured(() => sleep(1000)));
row('nothing for a second', idle);
for (const worker of [false, true]) {
  const recognizer = await Recognizer.load({ threads, worker });
  for (const [name, image] of inputs) {
    await recognizer.recognize(image);
    const all: Measured[] = [];
    for (let run = 0; run < runs; run++) all.push(await measured(() => recognizer.recognize(image)));
    row(`${name}, ${worker ? 'worker' : 'this thread'}`, all);
  }
  await recognizer.dispose();
}
