/**
 * What recognising takes, with the bundled weights: `node dist/bench/predict.js [CHECKPOINT]`. The best of several runs each: what
 * else the machine does can only add.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { classifyCrops, Recognizer } from '../src/index.js';

const [checkpoint] = process.argv.slice(2);
const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));

/** In milliseconds. */
async function best(runs: number, work: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

function show(what: string, milliseconds: number): void {
  console.log(`${what.padEnd(52)} ${milliseconds.toFixed(1).padStart(8)} ms`);
}

console.log(`${availableParallelism()} cores, Node ${process.version}`);
const chosen = checkpoint === undefined ? [] : ['--checkpoint', checkpoint];
show(
  'process start to first result, sample portrait',
  await best(7, () => execFileSync(process.execPath, [main, 'predict', portrait, ...chosen], { stdio: 'pipe' })),
);

const recognizer = await Recognizer.load(checkpoint === undefined ? {} : { checkpoint });
const { faces } = await recognizer.recognize(portrait, { crops: true });
const crops = faces.flatMap(({ crop }) => crop ?? []).slice(0, 1);
for (const n of [1, 32]) {
  const batch = Array.from({ length: n }, () => crops).flat();
  const time = await best(20, () => classifyCrops(recognizer.classifier, batch));
  show(`face crop to scores, batch ${n}, a face`, time / n);
}
const photo = await sharp({ create: { width: 1920, height: 1080, channels: 3, background: '#7a8088' } })
  .composite([{ input: await sharp(portrait).resize(1000).toBuffer(), left: 400, top: 40 }])
  .jpeg({ quality: 90 })
  .toBuffer();
show('1080p JPEG to result', await best(12, () => recognizer.recognize(photo)));
const series = Array.from({ length: 24 }, () => photo);
show('the same in a series, a picture', (await best(3, () => recognizer.recognize(series))) / series.length);
await recognizer.dispose();
