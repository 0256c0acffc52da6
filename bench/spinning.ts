/*
 * What it costs and brings that the runtime's threads spin while they wait for work, alone and beside a process that is busy:
 *   npm run build && node dist/bench/spinning.js [--runs 9] [--busy 1]
 * Three ways in turns: two threads that spin, two that sleep, one thread. Medians of wall time, and CPU time of the whole process.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { InferenceSession } from 'onnxruntime-common';
import * as ort from 'onnxruntime-node';
import { random } from '../src/common/random.js';
import type { Picture } from '../src/image/index.js';
import { posterV2NanoConfig, posterV2Network } from '../src/models/index.js';
import { initialize } from '../src/nn/index.js';
import { adam } from '../src/optim/index.js';
import { cropWhole, Recognizer } from '../src/recognize/index.js';
import { useOrt } from '../src/runtime/index.js';
import { CpuEngine } from '../src/train/cpu-engine.js';
import type { MicroBatch } from '../src/train/engine.js';
import { trainingProgram } from '../src/train/program.js';
import { targetOf } from '../src/train/target.js';
import { photoOfFaces } from './sample-media.js';
import { median, settle } from './turns.js';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '9' }, busy: { type: 'string', default: '1' } },
});

interface Way {
  readonly name: string;
  readonly threads: number;
  readonly spin: boolean;
}
const ways: readonly Way[] = [
  { name: '2 threads that spin', threads: 2, spin: true },
  { name: '2 threads that sleep', threads: 2, spin: false },
  { name: '1 thread', threads: 1, spin: true },
];

/** Sessions that are made from here on spin or sleep, whatever the library would choose. */
function choose({ spin }: Way): void {
  const create = (model: Uint8Array, settings: InferenceSession.SessionOptions): Promise<InferenceSession> => {
    const { session = {}, ...others } = settings.extra ?? {};
    const spinning = { ...(session as object), intra_op: { allow_spinning: spin ? '1' : '0' } };
    return ort.InferenceSession.create(model, { ...settings, extra: { ...others, session: spinning } });
  };
  useOrt({ ...ort, InferenceSession: { create } as unknown as typeof ort.InferenceSession });
}

/** What is measured in one way, by name, with how many times it is done at once. */
type Works = ReadonlyMap<string, { readonly times: number; readonly work: () => Promise<unknown> }>;

async function open(way: Way): Promise<Works> {
  choose(way);
  const recognizer = await Recognizer.load({ threads: way.threads });
  const engine = await engineOf(way.threads);
  const photo = await photoOfFaces();
  const face: Picture = {
    width: 48,
    height: 48,
    channels: 1,
    data: Uint8Array.from({ length: 48 * 48 }, (_, i) => i % 251),
  };
  const crops = (count: number): Picture[] =>
    Array.from({ length: count }, () => cropWhole(face, recognizer.classifier.preprocessing));
  const batch = await batchOf(32);
  return new Map([
    ['a face crop', { times: 20, work: () => recognizer.crops.classify(crops(1)) }],
    ['32 face crops', { times: 2, work: () => recognizer.crops.classify(crops(32)) }],
    ['a 1080p photo with 4 faces', { times: 2, work: () => recognizer.recognize(photo) }],
    [
      'a training step, batch 32',
      {
        times: 1,
        work: async () => {
          const { gradients } = await engine.forwardBackward([batch]);
          await gradients.update(1e-4);
        },
      },
    ],
  ]);
}

async function engineOf(threads: number): Promise<CpuEngine> {
  const { parameters } = trainingProgram(posterV2Network(posterV2NanoConfig), await targetOf('cpu'));
  const values = new Map([...parameters].map(([name, spec]) => [name, initialize(spec, random(0, name))]));
  const settings = { network: posterV2Network(posterV2NanoConfig), optimizer: adam(1e-4), ema: 0, clip: 0, threads };
  return CpuEngine.create({ ...settings, parameters: values });
}

async function batchOf(size: number): Promise<MicroBatch> {
  const { numClasses, imageSize } = posterV2NanoConfig;
  const generator = random(0, 'bench');
  const images = Float32Array.from({ length: size * imageSize ** 2 }, () => generator.normal());
  const targets = Float32Array.from({ length: size * numClasses }, (_, i) => Number(i % numClasses === 0));
  const ones = Float32Array.from({ length: size }, () => 1);
  const masks = new Map(
    [...trainingProgram(posterV2Network(posterV2NanoConfig), await targetOf('cpu')).masks.keys()].map((name) => [
      name,
      ones,
    ]),
  );
  return { size, images, targets, weight: 1 / size, masks };
}

interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

async function costOf({
  times,
  work,
}: {
  readonly times: number;
  readonly work: () => Promise<unknown>;
}): Promise<Cost> {
  const [start, used] = [performance.now(), process.cpuUsage()];
  for (let i = 0; i < times; i++) await work();
  const wall = (performance.now() - start) / times;
  const { user, system } = process.cpuUsage(used);
  return { wall, cpu: (user + system) / 1000 / times };
}

async function measure(title: string, opened: readonly (readonly [Way, Works])[]): Promise<void> {
  console.log(`${title}; ms of wall time, CPU time`);
  for (const what of opened.flatMap(([, works]) => [...works.keys()]).slice(0, opened[0]?.[1].size)) {
    const costs = new Map(opened.map(([{ name }]) => [name, [] as Cost[]]));
    for (let run = -1; run < Number(options.runs); run++) {
      for (const [{ name }, works] of opened) {
        await settle();
        const subject = works.get(what);
        if (subject === undefined) continue;
        const cost = await costOf(subject);
        if (run >= 0) costs.get(name)?.push(cost);
      }
    }
    const cells = [...costs].map(([name, all]) => {
      const middle = (kind: keyof Cost): string => median(all.map((cost) => cost[kind])).toFixed(1);
      return `${name} ${middle('wall')}, ${middle('cpu')}`;
    });
    console.log(`  ${what}: ${cells.join('; ')}`);
  }
}

const opened: (readonly [Way, Works])[] = [];
for (const way of ways) opened.push([way, await open(way)]);
await measure('alone', opened);
const work = 'const end = Date.now() + 120_000; while (Date.now() < end);';
const others = Array.from({ length: Number(options.busy) }, () => spawn(process.execPath, ['-e', work]));
try {
  await measure(`beside ${others.length} busy process`, opened);
} finally {
  for (const other of others) other.kill();
}
process.exit(0);
