/*
 * `npm run bench:operations [-- forward|step]`: where the time of POSTER V2 goes on the CPU, by ONNX operation, from
 * ONNX Runtime's own profile. Medians over the runs of each node, summed by operation.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { random } from '../src/common/random.js';
import type { Graph } from '../src/graph/index.js';
import { buildInference, posterV2Config, posterV2Network } from '../src/models/index.js';
import { initialize, type ParameterSpec } from '../src/nn/index.js';
import { lower } from '../src/passes/index.js';
import { CpuSession, type HostTensor, hostTensor } from '../src/runtime/index.js';
import { names, trainingProgram } from '../src/train/program.js';
import { cpuTarget } from '../src/train/target.js';

const batch = 8;
const runs = 6;
const kind = process.argv[2] === 'forward' ? 'forward' : 'step';

interface Subject {
  readonly graph: Graph;
  readonly parameters: ReadonlyMap<string, ParameterSpec>;
  /** Parameters that are fed at every run, as in training. */
  readonly fed: ReadonlySet<string>;
  readonly inputs: ReadonlyMap<string, HostTensor>;
}

async function subject(): Promise<Subject> {
  const pictures = Float32Array.from({ length: batch * 3 * 224 * 224 }, (_, i) => Math.sin(i));
  const inputs = new Map<string, HostTensor>([[names.images, hostTensor('float32', pictures, [batch, 3, 224, 224])]]);
  if (kind === 'forward') {
    const { graph, parameters } = buildInference(posterV2Network(posterV2Config));
    return { graph: lower(graph, 'cpu'), parameters, fed: new Set(), inputs };
  }
  const program = trainingProgram(posterV2Network(posterV2Config), await cpuTarget());
  inputs.set(names.targets, hostTensor('float32', new Float32Array(batch * 7).fill(1 / 7), [batch, 7]));
  inputs.set(names.weights, hostTensor('float32', new Float32Array(batch).fill(1 / batch), [batch]));
  for (const [name, { value }] of program.masks) {
    const shape = [batch, ...value.shape.slice(1).map(Number)];
    inputs.set(name, hostTensor('float32', new Float32Array(batch).fill(1), shape));
  }
  const fed = new Set([...program.trained.keys(), ...program.buffers.keys()]);
  return { graph: program.graph, parameters: program.parameters, fed, inputs };
}

const eventSchema = z.object({
  cat: z.string(),
  name: z.string(),
  dur: z.number().optional(),
  args: z.object({ op_name: z.string().optional() }).optional(),
});

/** Milliseconds of one run by operation, and the number of nodes. */
async function measure(): Promise<Map<string, { milliseconds: number; nodes: number }>> {
  const { graph, parameters, fed, inputs } = await subject();
  const values = new Map([...parameters].map(([name, spec]) => [name, initialize(spec, random(0, name))]));
  const feeds = new Map(inputs);
  for (const name of fed) {
    feeds.set(name, hostTensor('float32', values.get(name) ?? new Float32Array(0), parameters.get(name)?.shape ?? []));
  }
  const folder = await mkdtemp(join(tmpdir(), 'poster-profile-'));
  try {
    const session = await CpuSession.create(graph, {
      threads: 2,
      place: (name) => (fed.has(name) ? 'input' : (values.get(name) ?? 'input')),
      profile: join(folder, 'run'),
    });
    for (let i = 0; i < runs; i++) await session.run(feeds);
    session.endProfiling();
    const [file] = await readdir(folder);
    const events = z.array(eventSchema).parse(JSON.parse(await readFile(join(folder, file ?? ''), 'utf8')));
    await session.dispose();
    return byOperation(events);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function byOperation(
  events: readonly z.infer<typeof eventSchema>[],
): Map<string, { milliseconds: number; nodes: number }> {
  const byNode = new Map<string, { op: string; times: number[] }>();
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || dur === undefined) continue;
    const node = byNode.get(name) ?? { op: args?.op_name ?? '?', times: [] };
    node.times.push(dur);
    byNode.set(name, node);
  }
  const totals = new Map<string, { milliseconds: number; nodes: number }>();
  for (const { op, times } of byNode.values()) {
    const total = totals.get(op) ?? { milliseconds: 0, nodes: 0 };
    total.milliseconds += (times.sort((a, b) => a - b)[times.length >> 1] ?? 0) / 1000;
    total.nodes++;
    totals.set(op, total);
  }
  return totals;
}

const totals = [...(await measure())].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
const all = totals.reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0);
console.log(`${kind}, batch ${batch}, 2 threads: ${all.toFixed(0)} ms in kernels`);
for (const [op, { milliseconds, nodes }] of totals.filter(([, { milliseconds }]) => milliseconds > all / 200)) {
  const share = ((100 * milliseconds) / all).toFixed(1);
  console.log(`${milliseconds.toFixed(1).padStart(8)} ms ${share.padStart(5)}%  ${op} (${nodes} nodes)`);
}
