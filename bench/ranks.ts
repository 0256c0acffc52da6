/*
 * `npm run bench:ranks`: the images/s of two ranks of one thread beside one process of two threads, for steps of the full network, and
 * what a sum of its gradients takes. In turns, each in fresh processes; with MPI where mpirun.openmpi and mpirun.mpich are installed.
 * Options: --runs N (default 5), --steps N of each (default 3), --batch N of a rank (default 8), --nano for the small network.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { itemAt } from '../src/common/item-at.js';
import { posterV2Config, posterV2NanoConfig, posterV2Network } from '../src/models/index.js';
import { Communicator } from '../src/node/ranks/communicator.js';
import { joinRanks } from '../src/node/ranks/join.js';
import { adamw } from '../src/optim/index.js';
import { Trainer } from '../src/train/trainer.js';
import { median } from './turns.js';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    steps: { type: 'string', default: '3' },
    batch: { type: 'string', default: '8' },
    nano: { type: 'boolean', default: false },
    // Of the processes that this one starts.
    measure: { type: 'boolean', default: false },
    ranks: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
    parts: { type: 'string', default: '1' },
  },
});
const steps = Number(options.steps);

/** Of one process, or of several that trained together. */
interface Measured {
  readonly imagesPerSecond: number;
  /** Seconds of a sum of all gradients, waiting for the others not counted. */
  readonly sum: number;
  readonly name: string;
}

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
  for (let step = 0; step <= steps; step++) {
    const start = performance.now();
    await trainer.step({ size, images, labels });
    // The first one allocates.
    if (step > 0) times.push((performance.now() - start) / 1000);
  }
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
    imagesPerSecond: (size * ranks.size) / median(times),
    sum: median(sums),
    name: ranks.name,
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
    ['two ranks, Open MPI', mpirun('mpirun.openmpi', '--oversubscribe', '--bind-to', 'none')],
    ['two ranks, MPICH', mpirun('mpirun.mpich')],
  ];
  const found = subjects.map((): Measured[] => []);
  for (let run = 0; run < Number(options.runs); run++) {
    for (const [i, [what, words]] of subjects.entries()) {
      const measured = await started(words);
      if (measured === undefined) console.error(`${what}: not here`);
      else found[i]?.push(measured);
    }
  }
  const base = median(itemAt(found, 0).map(({ imagesPerSecond }) => imagesPerSecond));
  for (const [i, [what]] of subjects.entries()) {
    const all = itemAt(found, i);
    if (all.length === 0) continue;
    const speed = median(all.map(({ imagesPerSecond }) => imagesPerSecond));
    const sum = median(all.map((one) => one.sum));
    console.log(
      `${what.padEnd(24)} ${speed.toFixed(2)} images/s, ${(speed / base).toFixed(3)} of one process; a sum ${(sum * 1000).toFixed(0)} ms`,
    );
  }
}

/** What a command measures; undefined where it is not installed. */
async function started([command = '', ...words]: readonly string[]): Promise<Measured | undefined> {
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  try {
    return JSON.parse((await promisify(execFile)(command, words, { env })).stdout) as Measured;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
