/*
 * `node dist/bench/shards.js`: labels pictures with one process, and with several that share them out (`--shard`), and compares time and
 * bytes. The processes run side by side on this machine, with its cores divided among them.
 * Options: --pictures N (default 20000), made from the sample portrait; or --data FOLDER, --aligned for face crops;
 * --processes LIST (default 1,2): 1 is one process without shards.
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
    aligned: { type: 'boolean', default: false },
    processes: { type: 'string', default: '1,2' },
  },
});
const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'poster-shards-'));

/** A hundred different pictures under many names; sizes differ, as photos' do. */
async function portraits(total: number): Promise<string> {
  const [distinct, inputs] = [join(folder, 'distinct'), join(folder, 'pictures')];
  await mkdir(distinct);
  await mkdir(inputs);
  const paths: string[] = [];
  for (let i = 0; i < Math.min(total, 100); i++) {
    const path = join(distinct, `${i}.jpg`);
    const size = [300 + ((i * 97) % 500), 300 + ((i * 61) % 400)] as const;
    await sharp(portrait)
      .resize(...size, { fit: 'cover', position: 'top' })
      .jpeg()
      .toFile(path);
    paths.push(path);
  }
  for (let i = 0; i < total; i++) await link(itemAt(paths, i % paths.length), join(inputs, `${i}.jpg`));
  return inputs;
}

function poster(...args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) => {
      // 3: a picture could not be read, which is told.
      if (code === 0 || code === 3) resolve();
      else reject(new Error(`poster ${args[0]} ended with ${code}`));
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

try {
  const inputs = options.data ?? (await portraits(Number(options.pictures)));
  const common = ['predict', inputs, '--recursive', ...(options.aligned ? ['--aligned'] : [])];
  for (const count of options.processes.split(',').map(Number)) {
    const [table, parts] = [join(folder, `${count}.csv`), join(folder, `parts-${count}`)];
    const threads = ['--threads', String(Math.max(1, Math.floor(availableParallelism() / count)))];
    const shard = (i: number): Promise<void> =>
      poster(...common, ...threads, '--shard', `${i + 1}/${count}`, '--shard-folder', parts);
    const labelling =
      count === 1
        ? await seconds(() => poster(...common, ...threads, '--csv', table))
        : await seconds(() => Promise.all(Array.from({ length: count }, (_, i) => shard(i))));
    const merging = count === 1 ? 0 : await seconds(() => poster('merge', parts, '--csv', table));
    console.log(
      `${count} process${count === 1 ? '' : 'es'}: ${labelling.toFixed(1)} s, merging ${merging.toFixed(1)} s; ` +
        `table ${await digestOf(table)}`,
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
