/*
 * `nice taskset -c 1 node dist/bench/detector-kernels.js [--runs N]`: the face detector's network on `onnxruntime-web`, which takes
 * WebAssembly in Node too, on kernels of our own, and on the native runtime: at three sizes, one thread, in turns. Processor time,
 * medians. Node 22 and later have relaxed SIMD; Node 20 with `--experimental-wasm-relaxed-simd`.
 */
import { parseArgs } from 'node:util';
import * as web from 'onnxruntime-web/wasm';
import { itemAt } from '../src/common/item-at.js';
import { random } from '../src/common/random.js';
import { loadDetectorNetwork } from '../src/detect/detector-network.js';
import { kernelDetector } from '../src/detect/kernel-detector.js';
import { readDetectorWeights } from '../src/node/host/detector-weights.js';
import { formatTable } from '../src/node/report/index.js';
import { median } from './turns.js';

const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '21' } } });
const runs = Number(options.runs);

const file = await readDetectorWeights();
web.env.wasm.numThreads = 1;
const session = await web.InferenceSession.create(file, { executionProviders: ['cpu'] });
const native = await loadDetectorNetwork(file, 'The detector', { threads: 1 });
const [plain, fastest] = [kernelDetector(file, false), kernelDetector(file)];
if (plain === undefined || fastest === undefined) throw new Error('WebAssembly has no SIMD here');

type Run = (pixels: Float32Array, side: number) => Promise<unknown>;
const subjects: readonly (readonly [name: string, run: Run])[] = [
  [
    'onnxruntime-web',
    (pixels, side) => session.run({ pixel_values: new web.Tensor('float32', pixels, [1, 3, side, side]) }),
  ],
  ['kernels, SIMD', (pixels, side) => plain.run(pixels, 1, side, side)],
  ['kernels, the fastest that run here', (pixels, side) => fastest.run(pixels, 1, side, side)],
  ['onnxruntime-node', (pixels, side) => native.run(pixels, 1, side, side)],
];

/** Milliseconds of the process that work takes. */
async function spent(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const sides = [640, 192, 96] as const;
const rows: string[][] = subjects.map(([name]) => [name]);
for (const side of sides) {
  const stream = random(1, 'noise');
  const pixels = Float32Array.from({ length: 3 * side * side }, () => stream.uniform(-1, 1));
  const times = subjects.map((): number[] => []);
  // The first compile.
  for (let run = -5; run < runs; run++) {
    for (const [i, [, work]] of subjects.entries()) {
      const ms = await spent(() => work(pixels, side));
      if (run >= 0) itemAt(times, i).push(ms);
    }
  }
  for (const [i, list] of times.entries()) itemAt(rows, i).push(median(list).toFixed(1));
}
console.log(`Processor time of a run, ms, medians of ${runs} in turns`);
console.log(formatTable([['', ...sides.map((side) => `${side}x${side}`)], ...rows]));
await native.dispose();
