/*
 * Runs everything that needs a WebGPU adapter, in the process that test/webgpu.test.ts starts for it, and prints a line of
 * JSON for each case: { name, error? }.
 */
import { messageOf } from '../../src/common/errors.js';
import type { Graph } from '../../src/graph/index.js';
import { lower } from '../../src/passes/index.js';
import { GpuSession } from '../../src/runtime/index.js';
import { compareDetector } from './detector-case.js';
import { engineCases, longEngineCases } from './engine-cases.js';
import { comparePublished, compareWithCpu } from './forward-case.js';
import { compareOperations } from './operation-cases.js';
import { type Comparison, differenceOf, type Execute, optimizerCases } from './optimizer-cases.js';
import { runtimeCases } from './runtime-cases.js';
import { compareTraining } from './training-case.js';

const full = process.argv.includes('--full');

function report(name: string, error?: string): void {
  process.stdout.write(`${JSON.stringify(error === undefined ? { name } : { name, error })}\n`);
}

async function attempt(name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    report(name);
  } catch (error) {
    report(name, messageOf(error));
  }
}

function check(comparisons: readonly Comparison[], tolerance: number): void {
  for (const comparison of comparisons) {
    const difference = differenceOf(comparison);
    // Written so that NaN fails.
    if (!(difference < tolerance)) throw new Error(`${comparison.what} differs by ${difference}`);
  }
}

/** Of the graph that ran last: some run several times. */
let open: { readonly program: Graph; readonly session: GpuSession } | undefined;

async function sessionOf(program: Graph): Promise<GpuSession> {
  if (open?.program === program) return open.session;
  await close();
  const session = await GpuSession.create(lower(program, 'webgpu'));
  open = { program, session };
  return session;
}

async function close(): Promise<void> {
  await open?.session.dispose();
  open = undefined;
}

const onGpu: Execute = async (program, inputs) => (await (await sessionOf(program)).run(inputs)).host;

for (const [name, run] of Object.entries(runtimeCases)) await attempt(name, run);
for (const { name, run } of optimizerCases) {
  await attempt(`optimizer: ${name}`, async () => check(await run(onGpu), 1e-5));
}
await close();
await attempt('operations are placed on the device', async () => {
  for (const [name, comparisons] of await compareOperations()) {
    await attempt(`operation: ${name}`, async () => check(comparisons, 1e-5));
  }
});
for (const [name, run] of Object.entries(engineCases)) await attempt(name, run);
await attempt('the face detector as on the CPU', async () => check(await compareDetector(), 1e-5));
await attempt('logits of a small POSTER V2 as on the CPU', async () => {
  check(await compareWithCpu('poster-v2-nano'), 1e-4);
});
if (full) {
  await attempt('logits of POSTER V2 as in PyTorch', async () => {
    check(await comparePublished('POSTER V2', 'NCHW', 1), 1e-3);
  });
  await attempt('training with its state on the device equals training on the CPU', async () => {
    check(await compareTraining(), 1e-4);
  });
  for (const [name, run] of Object.entries(longEngineCases)) await attempt(name, run);
  await attempt('logits of a small POSTER V1 as on the CPU', async () => {
    check(await compareWithCpu('poster-v1-nano'), 1e-4);
  });
  await attempt('POSTER V2 for two pictures, NHWC', async () => {
    check(await comparePublished('POSTER V2', 'NHWC', 2), 1e-3);
  });
  for (const name of ['POSTER V1', 'ARM'] as const) {
    await attempt(`logits of ${name} as in PyTorch`, async () => check(await comparePublished(name, 'NCHW', 1), 1e-3));
  }
}
report('end');
