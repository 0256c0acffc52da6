/*
 * `npm run bench:operations [-- forward|step] [--model NAME] [--batch COUNT] [--threads COUNT] [--nodes COUNT]`: where
 * the time of a network goes on the CPU, by ONNX operation, from ONNX Runtime's own profile. Medians over the runs of
 * each node, summed by operation. `--nodes 20`: then also by operation and shapes, the 20 slowest of these.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { itemAt } from '../src/common/item-at.js';
import { random } from '../src/common/random.js';
import type { Graph } from '../src/graph/index.js';
import { buildInference, modelNamed } from '../src/models/index.js';
import { initialize, type ParameterSpec } from '../src/nn/index.js';
import { lower } from '../src/passes/index.js';
import { CpuSession, type HostTensor, hostTensor } from '../src/runtime/index.js';
import { names, trainingProgram } from '../src/train/program.js';
import { cpuTarget } from '../src/train/target.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'poster-v2' },
    batch: { type: 'string', default: '8' },
    threads: { type: 'string', default: '2' },
    /** How many kinds of nodes (an operation with its shapes) to list, the slowest first. */
    nodes: { type: 'string', default: '0' },
  },
});
const batch = Number(options.batch);
const threads = Number(options.threads);
const runs = 6;
const kind = positionals[0] === 'forward' ? 'forward' : 'step';
const { network, preprocessing } = modelNamed(options.model);
const pictureShape = [batch, preprocessing.channels, preprocessing.imageSize, preprocessing.imageSize];
const numClasses = network.config.numClasses;

interface Subject {
  readonly graph: Graph;
  readonly parameters: ReadonlyMap<string, ParameterSpec>;
  /** Parameters that are fed at every run, as in training. */
  readonly fed: ReadonlySet<string>;
  readonly inputs: ReadonlyMap<string, HostTensor>;
}

async function subject(): Promise<Subject> {
  const pictures = Float32Array.from({ length: pictureShape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i));
  const inputs = new Map<string, HostTensor>([[names.images, hostTensor('float32', pictures, pictureShape)]]);
  if (kind === 'forward') {
    const { graph, parameters } = buildInference(network);
    return { graph: lower(graph, 'cpu'), parameters, fed: new Set(), inputs };
  }
  const program = trainingProgram(network, await cpuTarget());
  inputs.set(
    names.targets,
    hostTensor('float32', new Float32Array(batch * numClasses).fill(1 / numClasses), [batch, numClasses]),
  );
  inputs.set(names.weights, hostTensor('float32', new Float32Array(batch).fill(1 / batch), [batch]));
  for (const [name, { value }] of program.masks) {
    const shape = [batch, ...value.shape.slice(1).map(Number)];
    inputs.set(name, hostTensor('float32', new Float32Array(batch).fill(1), shape));
  }
  const fed = new Set(program.trained.keys());
  return { graph: program.graph, parameters: program.parameters, fed, inputs };
}

/** A tensor each, such as `{ float: [8, 64, 56, 56] }`. */
const shapesSchema = z.array(z.record(z.string(), z.array(z.number())));

const eventSchema = z.object({
  cat: z.string(),
  name: z.string(),
  dur: z.number().optional(),
  args: z
    .object({
      op_name: z.string().optional(),
      input_type_shape: shapesSchema.optional(),
      output_type_shape: shapesSchema.optional(),
    })
    .optional(),
});

type Event = z.infer<typeof eventSchema>;

/** The profile of some runs. */
async function measure(): Promise<Event[]> {
  const { graph, parameters, fed, inputs } = await subject();
  const values = new Map([...parameters].map(([name, spec]) => [name, initialize(spec, random(0, name))]));
  const feeds = new Map(inputs);
  for (const name of fed) {
    feeds.set(name, hostTensor('float32', values.get(name) ?? new Float32Array(0), parameters.get(name)?.shape ?? []));
  }
  const folder = await mkdtemp(join(tmpdir(), 'poster-profile-'));
  try {
    const session = await CpuSession.create(graph, {
      threads,
      placement: (name) => (fed.has(name) ? 'input' : (values.get(name) ?? 'input')),
      profile: join(folder, 'run'),
    });
    for (let i = 0; i < runs; i++) await session.run(feeds);
    session.endProfiling();
    const [file] = await readdir(folder);
    const events = z.array(eventSchema).parse(JSON.parse(await readFile(join(folder, file ?? ''), 'utf8')));
    await session.dispose();
    return events;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Total {
  milliseconds: number;
  nodes: number;
}

/** Milliseconds of one run and the number of nodes, by what `key` says of a node; the slowest first. */
function totalsBy(events: readonly Event[], key: (event: Event) => string): [string, Total][] {
  const byNode = new Map<string, { key: string; times: number[] }>();
  for (const event of events) {
    const { cat, name, dur } = event;
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || dur === undefined) continue;
    const node = byNode.get(name) ?? { key: key(event), times: [] };
    node.times.push(dur);
    byNode.set(name, node);
  }
  const totals = new Map<string, Total>();
  for (const { key, times } of byNode.values()) {
    const total = totals.get(key) ?? { milliseconds: 0, nodes: 0 };
    total.milliseconds +=
      itemAt(
        times.sort((a, b) => a - b),
        times.length >> 1,
      ) / 1000;
    total.nodes++;
    totals.set(key, total);
  }
  return [...totals].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
}

const operation = ({ args }: Event): string => args?.op_name ?? '?';

/** Such as `Add 8x64x56x56, 64x1x1 -> 8x64x56x56`. */
function operationAndShapes(event: Event): string {
  const shapes = (tensors: z.infer<typeof shapesSchema> = []): string =>
    tensors.flatMap((tensor) => Object.values(tensor).map((shape) => shape.join('x') || '1')).join(', ');
  return `${operation(event)} ${shapes(event.args?.input_type_shape)} -> ${shapes(event.args?.output_type_shape)}`;
}

const events = await measure();
const totals = totalsBy(events, operation);
const all = totals.reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0);
const line = ([key, { milliseconds, nodes }]: [string, Total]): string => {
  const share = ((100 * milliseconds) / all).toFixed(1);
  return `${milliseconds.toFixed(1).padStart(8)} ms ${share.padStart(5)}%  ${key} (${nodes} nodes)`;
};
console.log(`${options.model}, ${kind}, batch ${batch}, ${threads} threads: ${all.toFixed(0)} ms in kernels`);
for (const total of totals) if (total[1].milliseconds > all / 200) console.log(line(total));
for (const total of totalsBy(events, operationAndShapes).slice(0, Number(options.nodes))) console.log(line(total));
