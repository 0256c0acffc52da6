/*
 * `node dist/bench/shards.js`: labels pictures with one process, with ranks that share them out (`--ranks`) and with shards (`--shard`), one of
 * which is killed again and again, and compares time and bytes. All processes run side by side on this machine, with its cores divided
 * among them. Progress goes to stderr.
 * Options: --pictures N (default 20000) crops of a face, made from the sample portrait; --photos for pictures in which faces are
 * looked for; or --data FOLDER; --processes N of ranks and of shards (default 2); --kills N of the first shard (default 10).
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { itemAt } from '../src/common/item-at.js';
import { portrait } from './sample-media.js';

const { values: options } = parseArgs({
  options: {
    pictures: { type: 'string', default: '20000' },
    data: { type: 'string' },
    photos: { type: 'boolean', default: false },
    processes: { type: 'string', default: '2' },
    kills: { type: 'string', default: '10' },
  },
});
const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'poster-shards-'));

/** A hundred different pictures under many names; sizes differ, as those of photos and of crops do. */
async function portraits(total: number): Promise<string> {
  const [distinct, inputs] = [join(folder, 'distinct'), join(folder, 'pictures')];
  await mkdir(distinct);
  await mkdir(inputs);
  const paths: string[] = [];
  for (let i = 0; i < Math.min(total, 100); i++) {
    const path = join(distinct, `${i}.jpg`);
    const [width, height] = options.photos
      ? ([300 + ((i * 97) % 500), 300 + ((i * 61) % 400)] as const)
      : ([80 + (i % 64), 80 + (i % 64)] as const);
    await sharp(portrait).resize(width, height, { fit: 'cover', position: 'top' }).jpeg().toFile(path);
    paths.push(path);
  }
  for (let i = 0; i < total; i++) await link(itemAt(paths, i % paths.length), join(inputs, `${i}.jpg`));
  return inputs;
}

const files = ['ignore', 'ignore', 'inherit'] as const;

/** @param killedAfter milliseconds; undefined for a process that runs to its end */
function poster(args: readonly string[], killedAfter?: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: [...files] });
    const timer = killedAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killedAfter);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      // 3: a picture could not be read, which is told.
      if (code === 0 || code === 3 || (signal === 'SIGKILL' && killedAfter !== undefined)) resolve();
      else reject(new Error(`poster ${args[0]} ended with ${code ?? signal}`));
    });
  });
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex').slice(0, 16);
}

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

const log = (sentence: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${sentence}`);

try {
  const inputs = options.data ?? (await portraits(Number(options.pictures)));
  const common = ['predict', inputs, '--recursive', ...(options.photos ? [] : ['--aligned'])];
  const count = Number(options.processes);
  const threads = (processes: number): string[] => [
    '--threads',
    String(Math.max(1, Math.floor(availableParallelism() / processes))),
  ];
  const tables = ['one', 'ranks', 'shards'].map((name) => join(folder, `${name}.csv`));
  const [one = '', ranks = '', merged = ''] = tables;
  const kills = Number(options.kills);

  log('one process');
  const alone = await seconds(() => poster([...common, ...threads(1), '--csv', one]));
  console.log(`one process: ${alone.toFixed(1)} s; table ${await digestOf(one)}`);

  log(`${count} ranks`);
  const together = await seconds(() =>
    poster([...common, ...threads(count), '--ranks', String(count), '--csv', ranks]),
  );
  console.log(
    `${count} ranks: ${together.toFixed(1)} s, ${(alone / together).toFixed(3)} of its speed; table ${await digestOf(ranks)}`,
  );

  log(`${count} shards, the first killed ${kills} times`);
  const parts = join(folder, 'parts');
  const shard = (i: number, killedAfter?: number): Promise<void> => {
    const share = ['--shard', `${i + 1}/${count}`, '--shard-folder', parts];
    return poster([...common, ...threads(count), ...share], killedAfter);
  };
  const oftenKilled = async (): Promise<void> => {
    // Spread over what one run takes, so that most of them find it at work.
    for (let kill = 0; kill < kills; kill++) await shard(0, (1000 * together * (0.5 + Math.random())) / (kills + 1));
    await shard(0);
  };
  const labelling = await seconds(() =>
    Promise.all(Array.from({ length: count }, (_, i) => (i === 0 ? oftenKilled() : shard(i)))),
  );
  const merging = await seconds(() => poster(['merge', parts, '--csv', merged]));
  console.log(
    `${count} shards, the first killed ${kills} times: ${labelling.toFixed(1)} s, merging ${merging.toFixed(1)} s; ` +
      `table ${await digestOf(merged)}`,
  );
  const digests = new Set(await Promise.all(tables.map(digestOf)));
  console.log(digests.size === 1 ? 'all have the same bytes' : 'THEY DIFFER');
  if (digests.size > 1) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
