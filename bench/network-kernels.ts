/*
 * `nice taskset -c 1 node dist/bench/network-kernels.js [--runs N] [--checkpoint FILE]`: an expression network, by default the bundled
 * one, on `onnxruntime-web`, which takes WebAssembly in Node too, on kernels of our own, and on the native runtime: one thread, in turns.
 * Then kernels alone, with so many crops at once as `preferredBatch` of src/wasm/kernel-graph.ts is chosen from.
 * Processor time of a run, the median. Node 22 and later have relaxed SIMD; Node 20 with `--experimental-wasm-relaxed-simd`.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import * as web from 'onnxruntime-web/wasm';
import { entryOf, itemAt } from '../src/common/item-at.js';
import { random } from '../src/common/random.js';
import { buildInference } from '../src/models/index.js';
import { bundledCheckpoint } from '../src/node/host/bundled-weights.js';
import { withCheckpoint } from '../src/node/host/with-checkpoint.js';
import { formatTable } from '../src/node/report/index.js';
import { kernelSession } from '../src/recognize/kernel-session.js';
import { openNetwork } from '../src/recognize/network.js';
import { hostTensor, useOrt } from '../src/runtime/index.js';
import { toFloat32 } from '../src/safetensors/index.js';
import { createGraphKernels, KernelGraph } from '../src/wasm/index.js';
import { median } from './turns.js';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '21' }, checkpoint: { type: 'string' } },
});
const runs = Number(options.runs);
const file = await readFile(options.checkpoint ?? bundledCheckpoint());

const open = () =>
  withCheckpoint(file, (checkpoint) => openNetwork(checkpoint, { threads: 1 }, (found) => buildInference(found)));
const native = await open();
const { built, description } = native;
const own = (relaxed: boolean) => withCheckpoint(file, (checkpoint) => kernelSession(checkpoint, built, relaxed));
const before = process.cpuUsage();
const fastest = await own(true);
const { user, system } = process.cpuUsage(before);
const plain = await own(false);
if (plain === undefined || fastest === undefined) throw new Error('kernels do not run this network here');
// Afterwards: its program is compiled in threads of the process.
web.env.wasm.numThreads = 1;
useOrt(web);
const session = await open();

const { channels, imageSize: side } = description.preprocessing;
type Run = (pixels: Float32Array, n: number) => Promise<Float32Array>;
const kernels =
  (one: typeof plain): Run =>
  async (pixels, n) => {
    const outputs = await one.run(
      new Map([['pixel_values', hostTensor('float32', pixels, [n, channels, side, side])]]),
    );
    return outputs.get('logits')?.data as Float32Array;
  };
const subjects: readonly (readonly [name: string, run: Run])[] = [
  ['onnxruntime-web', async (pixels, n) => (await session.run(pixels, n))('logits')],
  ['kernels, SIMD', kernels(plain)],
  ['kernels, the fastest that run here', kernels(fastest)],
  ['onnxruntime-node', async (pixels, n) => (await native.run(pixels, n))('logits')],
];

/** Milliseconds of the process that work takes. */
async function spent(work: () => Promise<unknown>): Promise<number> {
  const begin = process.cpuUsage();
  await work();
  const used = process.cpuUsage(begin);
  return (used.user + used.system) / 1000;
}

function noise(n: number): Float32Array {
  const stream = random(1, 'noise');
  return Float32Array.from({ length: n * channels * side * side }, () => stream.uniform(-1, 1));
}

const batches = [1, 4, 32] as const;
const rows: string[][] = subjects.map(([name]) => [name]);
for (const n of batches) {
  const pixels = noise(n);
  const times = subjects.map((): number[] => []);
  const results: Float32Array[] = [];
  // The first compile.
  for (let run = -5; run < runs; run++) {
    for (const [i, [, work]] of subjects.entries()) {
      const ms = await spent(async () => {
        results[i] = await work(pixels, n);
      });
      if (run >= 0) itemAt(times, i).push(ms);
    }
  }
  const expected = itemAt(results, 3);
  for (const [i, list] of times.entries()) {
    const off = itemAt(results, i).reduce(
      (worst, value, at) => Math.max(worst, Math.abs(value - itemAt(expected, at))),
      0,
    );
    itemAt(rows, i).push(
      `${median(list).toFixed(1)} (least ${Math.min(...list).toFixed(1)}, off ${off.toExponential(0)})`,
    );
  }
}
console.log(`Processor time of a run, ms, medians of ${runs} in turns; how far logits are from the native runtime's`);
console.log(formatTable([['', ...batches.map((n) => `${n} crops`)], ...rows]));
console.log(`Weights read and put in order: ${((user + system) / 1000).toFixed(0)} ms of processor time`);
await native.dispose();
await session.dispose();

const tensors = await withCheckpoint(file, ({ read }) => read(new Set(built.parameters.keys())));
const atOnce = [1, 2, 4, 8].map((n) => {
  const graphKernels = createGraphKernels();
  if (graphKernels === undefined) throw new Error('WebAssembly has no SIMD here');
  const network = new KernelGraph(built.graph, (name) => toFloat32(entryOf(tensors, name), name), graphKernels);
  const { memory } = graphKernels;
  return { n, inputs: new Map([['pixel_values', noise(n)]]), network, memory, times: [] as number[] };
});
for (let run = -5; run < runs; run++) {
  for (const { n, inputs, network, times } of atOnce) {
    const ms = await spent(async () => network.run(inputs, n));
    if (run >= 0) times.push(ms / n);
  }
}
console.log(
  '\nKernels, the fastest that run here: processor time of a crop, ms; memory for the weights, one crop and so many',
);
console.log(
  formatTable([
    ['crops at once', ...atOnce.map(({ n }) => `${n}`)],
    ['median', ...atOnce.map(({ times }) => median(times).toFixed(1))],
    ['least', ...atOnce.map(({ times }) => Math.min(...times).toFixed(1))],
    ['memory, MB', ...atOnce.map(({ memory }) => (memory.floats(0, 0).buffer.byteLength / 2 ** 20).toFixed(0))],
  ]),
);
