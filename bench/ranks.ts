/*
 * `npm run bench:ranks`: the images/s of two ranks of one thread beside one process of two threads, for steps of the full network, what a
 * sum of its gradients takes, and the processor time of an image, which says what is lost where time does not. In turns, each in fresh
 * processes; with MPI where mpirun.openmpi and mpirun.mpich are installed. Progress goes to stderr.
 * Options: --seconds N after which no further turn begins (default 240; each subject has one at least), --steps N of a turn (default 3),
 * --batch N of a rank (default 8), --nano for the small network, --without-mpi.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { z } from 'zod';
import { itemAt } from '../src/common/item-at.js';
import { posterV2Config, posterV2NanoConfig, posterV2Network } from '../src/models/index.js';
import { Communicator } from '../src/node/ranks/communicator.js';
import { joinRanks } from '../src/node/ranks/join.js';
import { adamw } from '../src/optim/index.js';
import { Trainer } from '../src/train/trainer.js';
import { median } from './turns.js';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '240' },
    steps: { type: 'string', default: '3' },
    batch: { type: 'string', default: '8' },
    nano: { type: 'boolean', default: false },
    'without-mpi': { type: 'boolean', default: false },
    // Of the processes that this one starts.
    measure: { type: 'boolean', default: false },
    ranks: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
    parts: { type: 'string', default: '1' },
  },
});
const steps = Number(options.steps);

const measuredSchema = z.object({
  /** Seconds of each step. */
  times: z.array(z.number()),
  /** Pictures of a step. */
  size: z.number(),
  /** Seconds of processor time of a picture, of all ranks together. */
  processor: z.number(),
  /** Seconds of a sum of all gradients, waiting for the others not counted. */
  sum: z.number(),
});
/** Of one process, or of several that trained together. */
type Measured = z.infer<typeof measuredSchema>;

if (options.measure) await measure();
else await compare();

/** Steps on noise, in the shares of the ranks that were started. Rank 0 tells. */
async function measure(): Promise<void> {
  const ranks = new Communicator(await joinRanks({ ranks: Number(options.ranks) }));
  const network = posterV2Network(options.nano ? posterV2NanoConfig : posterV2Config);
  const { inputChannels, imageSize, numClasses } = network.config;
  const microBatch = Number(options.batch);
  const size = microBatch * Number(options.parts);
  const images = Float32Array.from({ length: size * inputChannels * imageSize ** 2 }, (_, i) => Math.sin(i * i));
  const labels = Int32Array.from({ length: size }, (_, i) => i % numClasses);
  const threads = Number(options.threads);
  const trainer = await Trainer.create({ network, optimizer: adamw(1e-5), microBatch, threads, reducer: ranks });
  const times: number[] = [];
  let used = process.cpuUsage();
  for (let step = 0; step <= steps; step++) {
    const start = performance.now();
    if (step === 1) used = process.cpuUsage();
    await trainer.step({ size, images, labels });
    // The first one allocates.
    if (step > 0) times.push((performance.now() - start) / 1000);
  }
  const { user, system } = process.cpuUsage(used);
  const processors = await ranks.documents(z.number(), (user + system) / 1e6);
  const { parameters } = await trainer.snapshot();
  const flat = new Float32Array([...parameters.values()].reduce((sum, { length }) => sum + length, 0));
  const sums: number[] = [];
  for (let i = 0; i < 5; i++) {
    await ranks.sum(new Float32Array(1));
    const start = performance.now();
    await ranks.sum(flat);
    sums.push((performance.now() - start) / 1000);
  }
  await trainer.dispose();
  await ranks.close();
  const measured: Measured = {
    times,
    size: size * ranks.size,
    processor: processors.reduce((all, one) => all + one) / (steps * size * ranks.size),
    sum: median(sums),
  };
  if (ranks.rank === 0) console.log(JSON.stringify(measured));
}

async function compare(): Promise<void> {
  const path = fileURLToPath(import.meta.url);
  const given = ['--measure', '--steps', options.steps, '--batch', options.batch, ...(options.nano ? ['--nano'] : [])];
  const node = [process.execPath, path, ...given];
  const mpirun = (command: string, ...more: string[]): string[] => [command, ...more, '-n', '2', ...node];
  const subjects: readonly (readonly [string, readonly string[]])[] = [
    ['one process, 2 threads', [...node, '--threads', '2', '--parts', '2']],
    ['two ranks, sockets', [...node, '--ranks', '2']],
    ...(options['without-mpi']
      ? []
      : ([
          ['two ranks, Open MPI', mpirun('mpirun.openmpi', '--oversubscribe', '--bind-to', 'none')],
          ['two ranks, MPICH', mpirun('mpirun.mpich')],
        ] as const)),
  ];
  const found = subjects.map((): Measured[] => []);
  const start = performance.now();
  const passed = (): number => (performance.now() - start) / 1000;
  for (let turn = 1, longest = 0; turn === 1 || passed() + longest < Number(options.seconds); turn++) {
    const begun = passed();
    for (const [i, [what, words]] of subjects.entries()) {
      const measured = await started(words);
      if (measured !== undefined) found[i]?.push(measured);
      const speedText = measured === undefined ? 'not here' : `${speedOf([measured]).toFixed(2)} images/s`;
      console.error(`${passed().toFixed(0)} s, turn ${turn}: ${what}: ${speedText}`);
    }
    longest = Math.max(longest, passed() - begun);
  }
  const base = speedOf(itemAt(found, 0));
  for (const [i, [what]] of subjects.entries()) {
    const all = itemAt(found, i);
    if (all.length === 0) continue;
    const speed = speedOf(all);
    const processor = median(all.map((one) => one.processor));
    const sum = median(all.map((one) => one.sum));
    console.log(
      `${what.padEnd(24)} ${speed.toFixed(2)} images/s, ${(speed / base).toFixed(3)} of one process; ` +
        `${processor.toFixed(3)} s of processor time an image; a sum ${(sum * 1000).toFixed(0)} ms`,
    );
  }
}

/** By the median of the steps of all turns. */
function speedOf(all: readonly Measured[]): number {
  return itemAt(all, 0).size / median(all.flatMap(({ times }) => times));
}

/** What a command measures; undefined where it is not installed. */
async function started([command = '', ...words]: readonly string[]): Promise<Measured | undefined> {
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  try {
    const { stdout } = await promisify(execFile)(command, words, { env });
    return measuredSchema.parse(JSON.parse(stdout));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
