/*
 * Our side of `npm run bench`, in a process of its own (CHECKPOINT THREADS) with the line protocol of pytorch.py: JSON requests on stdin
 * ({"op":"forward","batch":8}, {"op":"step","batch":8}, {"op":"memory"}, {"op":"quit"}), JSON replies on stdout.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { random } from '../src/common/random.js';
import { posterV2Config, posterV2Network } from '../src/models/index.js';
import { initialize } from '../src/nn/index.js';
import { adam } from '../src/optim/index.js';
import { type Classifier, loadClassifier } from '../src/recognize/classifier.js';
import { CpuEngine } from '../src/train/cpu-engine.js';
import type { MicroBatch } from '../src/train/engine.js';
import { trainingProgram } from '../src/train/program.js';

const checkpoint = process.argv[2] ?? '';
const threads = Number(process.argv[3] ?? 2);
const pixels = 3 * 224 * 224;

function pictures(batch: number): Float32Array {
  const generator = random(0, 'bench', batch);
  return Float32Array.from({ length: batch * pixels }, () => generator.normal());
}

let classifier: Classifier | undefined;
let engine: CpuEngine | undefined;
let batch: MicroBatch | undefined;
const inputs = new Map<number, Float32Array>();

async function forward(size: number): Promise<number> {
  classifier ??= await loadClassifier(checkpoint, { threads });
  const images = inputs.get(size) ?? pictures(size);
  inputs.set(size, images);
  const start = performance.now();
  await classifier.classify(images, size);
  return (performance.now() - start) / 1000;
}

async function step(size: number): Promise<number> {
  if (engine === undefined) {
    const { parameters } = trainingProgram(posterV2Network(posterV2Config), { device: 'cpu' });
    const values = new Map([...parameters].map(([name, spec]) => [name, initialize(spec, random(0, name))]));
    engine = await CpuEngine.create({
      network: posterV2Network(posterV2Config),
      optimizer: adam(3.5e-5),
      ema: 0,
      clip: 0,
      threads,
      parameters: values,
    });
  }
  if (batch?.size !== size) {
    const targets = new Float32Array(size * 7);
    for (let i = 0; i < size; i++) targets[i * 7 + (i % 7)] = 1;
    // Stochastic depth as in training; the masks are drawn before the clock starts.
    const mask = Float32Array.from({ length: size }, () => 1);
    const masks = new Map(
      [...trainingProgram(posterV2Network(posterV2Config), { device: 'cpu' }).masks.keys()].map((name) => [name, mask]),
    );
    batch = { size, images: pictures(size), targets, weight: 1 / size, masks };
  }
  const start = performance.now();
  const { gradients } = await engine.forwardBackward([batch]);
  await gradients.update(3.5e-5);
  return (performance.now() - start) / 1000;
}

/** Peak resident memory in bytes, as the system counts it. */
function peakMemory(): number {
  try {
    const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

async function answer(request: { readonly op: string; readonly batch?: number }): Promise<object> {
  switch (request.op) {
    case 'forward':
      return { seconds: await forward(request.batch ?? 1) };
    case 'step':
      return { seconds: await step(request.batch ?? 8) };
    case 'memory':
      return { bytes: peakMemory() };
    default:
      return { error: `there is no operation '${request.op}'` };
  }
}

process.stdout.write(`${JSON.stringify({ ready: 'poster-v2' })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as { readonly op: string; readonly batch?: number };
  if (request.op === 'quit') break;
  process.stdout.write(`${JSON.stringify(await answer(request))}\n`);
}
await classifier?.dispose();
await engine?.dispose();
