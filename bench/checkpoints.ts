/**
 * npm run bench:checkpoints: reads 250 MB of weights from each format, each in a process of its own, and prints seconds
 * and the memory that the process took at most, beyond what it had before.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCheckpointFile, writePth, writeSafetensors } from '../src/node/checkpoints/index.js';
import { type PickleValue, pickle } from '../src/node/checkpoints/pth/pickle-writer.js';
import { PthStorages } from '../src/node/checkpoints/pth/pth-writer.js';
import { writeFileAtomic } from '../src/node/files/files.js';
import { formatTable } from '../src/node/report/index.js';
import type { Tensor } from '../src/safetensors/index.js';

const [path] = process.argv.slice(2);
if (path === undefined) await measureAll();
else await measureOne(path);

async function measureOne(file: string): Promise<void> {
  const before = process.memoryUsage().rss;
  const start = performance.now();
  const { tensors } = await readCheckpointFile(file);
  const seconds = (performance.now() - start) / 1000;
  const peak = process.resourceUsage().maxRSS * 1024 - before;
  const size = (await stat(file)).size;
  console.log(
    [
      tensors.size,
      (size / 1e6).toFixed(0),
      seconds.toFixed(2),
      (peak / 1e6).toFixed(0),
      (peak / size).toFixed(2),
    ].join(),
  );
}

async function measureAll(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'poster-bench-'));
  try {
    // 62.5M numbers in tensors of many sizes, as networks have them.
    const sizes = Array.from({ length: 600 }, (_, i) => [64, 1024, 65_536, 246_850][i % 4] ?? 1);
    const one = (size: number, i: number): [string, Tensor] => {
      const values = new Float32Array(size).fill(i + 0.5);
      return [`module.layer${i}.weight`, { dtype: 'F32', shape: [size], data: new Uint8Array(values.buffer) }];
    };
    const state = new Map([...sizes, ...Array.from({ length: 8 }, () => 1_900_000)].map(one));
    const files = ['weights.safetensors', 'zip.pth', 'old.pth.tar'].map((name) => join(folder, name));
    const [safetensors = '', zip = '', old = ''] = files;
    const root = (storages: PthStorages): PickleValue => {
      const weights = new Map([...state].map(([name, tensor]) => [name, storages.tensor(tensor)]));
      return new Map<string, PickleValue>([
        ['epoch', 1],
        ['state_dict', weights],
      ]);
    };
    await writeSafetensors(safetensors, state);
    await writePth(zip, root);
    await writeFileAtomic(old, oldFormat(root));
    const rows = files.map((file) => {
      const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), file], { encoding: 'utf8' });
      if (child.status !== 0) throw new Error(child.stderr);
      return [file.slice(folder.length + 1), ...child.stdout.trim().split(',')];
    });
    console.log(formatTable([['', 'tensors', 'MB', 'seconds', 'MB taken', 'of the file'], ...rows]));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The format before PyTorch 1.6: see `pth-legacy.ts`. */
function* oldFormat(root: (storages: PthStorages) => PickleValue): Generator<Uint8Array> {
  const storages = new PthStorages();
  const object = pickle(root(storages));
  yield Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex'); // the magic number
  yield pickle(1001);
  yield pickle(
    new Map<string, PickleValue>([
      ['protocol_version', 1001],
      ['little_endian', true],
    ]),
  );
  yield object;
  yield pickle(storages.data.map((_, i) => String(i)));
  for (const data of storages.data) {
    const length = Buffer.alloc(8);
    length.writeBigInt64LE(BigInt(data.byteLength / 4));
    yield length;
    yield data;
  }
}
