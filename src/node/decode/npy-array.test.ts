import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../common/errors.js';
import { elements } from '../../graph/index.js';
import {
  type Augmentation,
  affectnetAugmentation,
  nanoAugmentation,
  noAugmentation,
} from '../../image/augmentation.js';
import { loadDataset } from '../datasets/dataset.js';
import { createLoader } from '../datasets/loader.js';
import { readNpyInto } from './npy-array.js';

/** A file as `numpy.save` writes it. */
function npy(values: Float32Array, header: string, version = 1): Buffer {
  const prefix = version === 1 ? 10 : 12;
  const padded = `${header.padEnd(64 * Math.ceil((prefix + header.length + 1) / 64) - prefix - 1)}\n`;
  const start = Buffer.alloc(prefix);
  start.write('\x93NUMPY', 'latin1');
  start[6] = version;
  if (version === 1) start.writeUInt16LE(padded.length, 8);
  else start.writeUInt32LE(padded.length, 8);
  return Buffer.concat([start, Buffer.from(padded), Buffer.from(values.buffer, values.byteOffset, values.byteLength)]);
}

const header = (shape: string, type = '<f4', order = 'False'): string =>
  `{'descr': '${type}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
const values = Float32Array.from({ length: 12 }, (_, i) => Math.cos(i));

let dir = '';
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-npy-'));
});
after(() => rm(dir, { recursive: true, force: true }));

async function read(bytes: Buffer, shape: readonly number[]): Promise<Float32Array> {
  const path = join(dir, 'a.npy');
  await writeFile(path, bytes);
  const target = new Float32Array(elements(shape));
  await readNpyInto(path, shape, target);
  return target;
}

describe('NumPy files', () => {
  it('are read to the bit', async () => {
    assert.deepEqual(await read(npy(values, header('(3, 2, 2)')), [3, 2, 2]), values);
    assert.deepEqual(await read(npy(values, header('(12,)'), 2), [12]), values);
  });

  it('of another kind are refused', async () => {
    const is = (text: string): RegExp => new RegExp(text);
    await assert.rejects(read(npy(values, header('(2, 3, 2)')), [3, 2, 2]), is('shape \\(3, 2, 2\\) in C order'));
    await assert.rejects(read(npy(values, header('(3, 2, 2)', '<f8')), [3, 2, 2]), is('not a float32 array'));
    await assert.rejects(read(npy(values, header('(3, 2, 2)', '<f4', 'True')), [3, 2, 2]), is('C order'));
    const short = npy(values.subarray(1), header('(3, 2, 2)'));
    await assert.rejects(read(short, [3, 2, 2]), is('has 44 bytes of values and needs 48'));
    await assert.rejects(read(Buffer.from('no picture'), [3, 2, 2]), is('is not a NumPy file'));
    await assert.rejects(read(npy(values.with(3, Number.NaN), header('(12,)')), [12]), is('no finite numbers'));
  });

  it('damaged in any way give values or a sentence', async () => {
    const whole = npy(values, header('(3, 2, 2)'));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), async (at, byte, length) => {
        const damaged = Buffer.from(whole);
        damaged[at] = byte;
        const result = await read(damaged.subarray(0, length), [3, 2, 2]).catch((error: unknown) => error);
        assert.ok(result instanceof Float32Array || result instanceof UserError, String(result));
      }),
      { numRuns: 150, seed: 1 },
    );
  });
});

describe('datasets of pictures prepared elsewhere', () => {
  const preprocessing = { imageSize: 2, channels: 3 as const, mean: [0, 0, 0], std: [1, 1, 1] };

  async function images(augmentation: Augmentation, seed = 0): Promise<Float32Array> {
    const root = await mkdtemp(join(dir, 'faces-'));
    const folders = { a: 'happy', b: 'sad' };
    const description = { name: 'made', labels: ['happy', 'sad', 'angry'], folders, tensors: true };
    await writeFile(join(root, 'dataset.json'), JSON.stringify(description));
    for (const folder of Object.keys(folders)) {
      await mkdir(join(root, 'train', folder), { recursive: true });
      await writeFile(join(root, 'train', folder, '0.npy'), npy(values, header('(3, 2, 2)')));
      await writeFile(join(root, 'train', folder, 'no-picture.png'), '');
    }
    const loader = createLoader(await loadDataset(root, 'train'), {
      preprocessing,
      batchSize: 2,
      workers: 0,
      augmentation,
      seed,
    });
    try {
      for await (const batch of loader.epoch(0)) {
        assert.deepEqual([...batch.labels], [0, 1]);
        return batch.images;
      }
    } finally {
      await loader.close();
    }
    return new Float32Array(0);
  }

  it('reach the network as they are', async () => {
    assert.deepEqual(await images(noAugmentation), Float32Array.from([...values, ...values]));
  });

  it('are mirrored and erased, and nothing else', async () => {
    const mirrored = await images({ ...noAugmentation, flip: 1 });
    const turned = [...values].map((_, i) => values[i % 2 === 0 ? i + 1 : i - 1] ?? 0);
    assert.deepEqual(mirrored, Float32Array.from([...turned, ...turned]));
    const erasing = { probability: 1, scale: [0.25, 0.25], ratio: [1, 1] } as const;
    const erased = await images({ ...affectnetAugmentation, erasing });
    assert.equal(erased.subarray(0, 12).filter((value) => value === 0).length, 3);
    await assert.rejects(images(nanoAugmentation), /can be mirrored and erased, not turned/);
  });
});
