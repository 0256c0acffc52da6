import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { bytesOf, type Tensor, toFloat64 } from '../../safetensors/tensor.js';
import { readJson } from '../files/files.js';
import { type CheckpointFile, readCheckpointFile, readCheckpointHeader, trainingNotes } from './checkpoint-file.js';
import { describeRefused, refusalChannel } from './refused.js';
import { writeSafetensors } from './safetensors-file.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-pth-'));
after(() => rm(dir, { recursive: true }));
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../../test/fixtures/checkpoints/${name}`, import.meta.url));

const tensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int()),
  values: z.array(z.union([z.number(), z.string()])),
});
const expected = await readJson(
  fixture('expected.json'),
  z.object({
    state: z.record(z.string(), tensorSchema),
    training: z.object({ epoch: z.int(), best_acc: z.number(), state_dict: z.record(z.string(), tensorSchema) }),
  }),
);
const dtypes: Readonly<Record<string, string>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};

function assertTensors(tensors: CheckpointFile['tensors'], wanted: Readonly<Record<string, unknown>>): void {
  assert.deepEqual([...tensors.keys()], Object.keys(wanted));
  for (const [name, value] of Object.entries(wanted)) {
    const { dtype, shape, values } = tensorSchema.parse(value);
    const tensor = tensors.get(name);
    assert(tensor !== undefined);
    assert.equal(tensor.dtype, dtypes[dtype], name);
    assert.deepEqual(tensor.shape, shape, name);
    assert.deepEqual([...toFloat64(tensor)], values.map(Number), name);
    if (dtype !== 'int64') continue;
    const { buffer, byteOffset, byteLength } = tensor.data;
    assert.deepEqual([...new BigInt64Array(buffer, byteOffset, byteLength / 8)], values.map(BigInt));
  }
}

const state: readonly (readonly [name: string, format: string])[] = [
  ['state-zip.pth', 'pth-zip'],
  ['state-legacy.pth.tar', 'pth-legacy'],
];
for (const [name, format] of state) {
  test(`${name}: every value of every dtype, of views and of shared storage`, async () => {
    const file = await readCheckpointFile(fixture(name));
    assert.equal(file.format, format);
    assertTensors(file.tensors, expected.state);
    assert.deepEqual(file.extra, {});
    assert.deepEqual(file.refused, []);
    // Writing to one of two that shared their values must not change the other: networks train in place.
    file.tensors.get('shared_a')?.data.fill(0);
    assertTensors(new Map([...file.tensors].filter(([key]) => key === 'shared_b')), {
      shared_b: expected.state['shared_b'],
    });
    const header = await readCheckpointHeader(fixture(name));
    for (const [key, { dtype, shape, data }] of file.tensors) {
      const entry = header.tensors.get(key);
      assert.deepEqual([entry?.dtype, entry?.shape, entry?.byteLength], [dtype, shape, data.byteLength]);
    }
    const one = await readCheckpointFile(fixture(name), (key) => key === 'slice');
    assertTensors(one.tensors, { slice: expected.state['slice'] });
  });
}

for (const name of ['training-zip.pth', 'training-legacy.pth']) {
  test(`${name}: weights, epoch and score; objects of the script are records`, async () => {
    const { tensors, extra, refused } = await readCheckpointFile(fixture(name));
    const plain = Object.entries(expected.training.state_dict).map(([key, value]) => [
      key.replace('module.', ''),
      value,
    ]);
    assertTensors(tensors, Object.fromEntries(plain));
    const { epoch, best_acc } = expected.training;
    assert.deepEqual(trainingNotes(extra), { epoch, bestAccuracy: best_acc, hasOptimizer: true, learningRate: 3.5e-5 });
    assert.deepEqual(refused, []);
    const { recorder, recorder1, optimizer } = z
      .object({
        recorder: z.object({
          $class: z.string(),
          state: z.object({ total_epoch: z.int(), epoch_losses: z.unknown() }),
        }),
        recorder1: z.object({ $class: z.string() }),
        optimizer: z.object({ param_groups: z.tuple([z.object({ lr: z.number(), betas: z.array(z.number()) })]) }),
      })
      .parse(extra);
    assert.equal(recorder.$class, '__main__.RecorderMeter');
    assert.equal(recorder.state.total_epoch, 5);
    assert.equal(recorder1.$class, '__main__.RecorderMeter1');
    assert.deepEqual(optimizer.param_groups[0], { lr: 3.5e-5, betas: [0.9, 0.999] });
  });
}

for (const name of ['evil-zip.pth', 'evil-legacy.pth']) {
  test(`${name}: nothing runs, what was refused is said, the weights are there`, async () => {
    const path = join(dir, name);
    await copyFile(fixture(name), path);
    const file = await readCheckpointFile(path);
    assert.deepEqual(file.refused, ["posix.system('touch pwned')"]);
    assert.match(describeRefused(file, path) ?? '', /nothing was run\. Refused: posix\.system\('touch pwned'\)/);
    assert.deepEqual(file.extra, { x: { $class: 'posix.system', args: ['touch pwned'] } });
    assertTensors(file.tensors, { w: { dtype: 'float32', shape: [2], values: [1, 1] } });
    assert(!existsSync('pwned') && !existsSync(join(dir, 'pwned')));
  });
}

test('what was refused is published, also where the file then turns out to be of no use', async () => {
  const path = join(dir, 'evil-and-useless.pth');
  const evil = await readFile(fixture('evil-legacy.pth'));
  await writeFile(path, Buffer.from(evil.toString('latin1').replace('state_dict', 'optim_dict'), 'latin1'));
  const reported: unknown[] = [];
  const listen = (sentence: unknown): number => reported.push(sentence);
  refusalChannel.subscribe(listen);
  try {
    await assert.rejects(readCheckpointFile(path), /holds no weights but optim_dict, x/);
  } finally {
    refusalChannel.unsubscribe(listen);
  }
  assert.deepEqual(reported, [describeRefused({ refused: ["posix.system('touch pwned')"] }, path)]);
});

test('what is no whole checkpoint is told what it is', async () => {
  const cases: readonly (readonly [path: string, message: RegExp])[] = [
    [fixture('truncated-zip.pth'), /is a truncated PyTorch checkpoint: .*table of contents .* is missing/],
    [fixture('truncated-legacy.pth'), /is a truncated PyTorch checkpoint: .*ends at byte 1287/],
    [fixture('not-a-checkpoint.pth'), /is no checkpoint but a web page/],
    [fixture('expected.json'), /is no checkpoint but a JSON document/],
    [join(dir, 'missing.pth'), /there is no such file/],
    [dir, /is a folder without weights \(model\.safetensors, pytorch_model\.bin, best\.safetensors\)/],
  ];
  const starts: readonly (readonly [bytes: string, message: RegExp])[] = [
    ['', /an empty file/],
    ['version https://git-lfs.github.com/spec/v1\n', /a Git LFS pointer/],
    ['\x1f\x8b\x08', /a gzip archive/],
    ['\0\0\0\0', /full of zeros/],
    ['hello\n', /a text file/],
    ['\x01\x02\x03', /neither safetensors nor a PyTorch file/],
    ['\x80\x02]q\0.', /a Python pickle, but no PyTorch checkpoint/],
    ['PK\x05\x06'.padEnd(22, '\0'), /a zip archive \(\), but no PyTorch checkpoint/],
  ];
  const made = starts.map(async ([bytes, message], i) => {
    const path = join(dir, `odd-${i}.pth`);
    await writeFile(path, bytes, 'latin1');
    return [path, message] as const;
  });
  for (const [path, message] of [...cases, ...(await Promise.all(made))]) {
    const check = (error: unknown): boolean => {
      assert(error instanceof UserError, `${path}: ${error}`);
      assert.match(error.message, message);
      return true;
    };
    await assert.rejects(readCheckpointFile(path), check);
    await assert.rejects(readCheckpointHeader(path), check);
  }
});

test('safetensors files are read by the same function', async () => {
  const path = join(dir, 'plain.safetensors');
  const tensor: Tensor = { dtype: 'F32', shape: [2], data: bytesOf(Float32Array.of(1, 2)) };
  await writeSafetensors(path, new Map([['a', tensor]]), new Map([['by', 'test']]));
  const file = await readCheckpointFile(path);
  assert.equal(file.format, 'safetensors');
  assert.deepEqual(file.metadata, new Map([['by', 'test']]));
  assert.deepEqual([...toFloat64(file.tensors.get('a') ?? tensor)], [1, 2]);
  assert.equal((await readCheckpointHeader(path)).tensors.get('a')?.byteLength, 8);
  // The name of a file decides nothing.
  const renamed = join(dir, 'renamed.pth');
  await copyFile(path, renamed);
  assert.equal((await readCheckpointFile(renamed)).format, 'safetensors');
});
