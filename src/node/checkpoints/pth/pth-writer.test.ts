import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { parseDescription } from '../../../safetensors/description.js';
import { bytesOf, type Dtype, elementBytes, elementCount, type Tensor } from '../../../safetensors/tensor.js';
import { readCheckpointFile } from '../checkpoint-file.js';
import { describeRefused } from '../refused.js';
import { pickleOrderedDict } from './pickle-writer.js';
import { writePth } from './pth-writer.js';
import { writePublished } from './published-writer.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-pth-writer-'));
after(() => rm(dir, { recursive: true }));
const path = join(dir, 'x.pth');

const isAny = (text: string): text is Dtype => Object.hasOwn(elementBytes, text);
const dtype = fc.constantFrom(...Object.keys(elementBytes).filter(isAny));
const tensor: fc.Arbitrary<Tensor> = fc
  .tuple(dtype, fc.array(fc.nat({ max: 4 }), { maxLength: 4 }))
  .chain(([type, shape]) => {
    const length = elementCount(shape) * elementBytes[type];
    const byte = type === 'BOOL' ? fc.nat({ max: 1 }) : fc.nat({ max: 255 });
    return fc
      .array(byte, { minLength: length, maxLength: length })
      .map((bytes) => ({ dtype: type, shape, data: Uint8Array.from(bytes) }));
  });
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => !/^(module|_orig_mod)\./.test(text));

test('tensors of every type and shape are read as they were written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, tensor, { minKeys: 1, maxKeys: 6, noNullPrototype: true }), async (object) => {
      const tensors = new Map(Object.entries(object));
      await writePth(path, (storages) =>
        pickleOrderedDict(new Map([...tensors].map(([key, value]) => [key, storages.tensor(value)]))),
      );
      const read = await readCheckpointFile(path);
      assert.equal(read.format, 'pth-zip');
      assert.deepEqual(read.tensors, tensors);
      assert.deepEqual(read.refused, []);
    }),
    { numRuns: 50 },
  );
});

const f32 = (shape: readonly number[], ...values: number[]): Tensor => ({
  dtype: 'F32',
  shape,
  data: bytesOf(Float32Array.from(values)),
});
const published = {
  tensors: new Map<string, Tensor>([
    ['head.weight', f32([1, 2], 1, 2)],
    ['bn.running_mean', f32([1], 0.5)],
    ['bn.num_batches_tracked', { dtype: 'I64', shape: [], data: new Uint8Array(8) }],
    ['head.bias', f32([1], 3)],
  ]),
  epoch: 300,
  bestAccuracy: 92.21,
  resume: { learningRate: 1, initialLearningRate: 2, rho: 0.05, weightDecay: 0 },
};

test('a checkpoint of the published code: what stands beside the weights', async () => {
  const description = {
    model: { name: 'x', config: { text: 'ü'.repeat(2000) } },
    labels: { name: 'two', labels: ['a', 'b'] },
    preprocessing: { imageSize: 4, channels: 1, mean: [0], std: [1] },
  } as const;
  await writePublished(path, { ...published, description });
  const { tensors, extra, refused, metadata } = await readCheckpointFile(path);
  assert.deepEqual(tensors, published.tensors);
  assert.deepEqual(refused, []);
  assert.deepEqual(parseDescription(metadata, path), description);
  assert.ok(typeof extra === 'object' && extra !== null && 'optimizer' in extra);
  const { epoch, best_acc, recorder, recorder1, optimizer } = extra;
  assert.deepEqual([epoch, best_acc, recorder, recorder1], [300, Math.fround(92.21), null, null]);
  // Two of the four are parameters; the learning rate is a float also where it is whole.
  const json = JSON.stringify(optimizer);
  assert.match(json, /^\{"state":\{\},"param_groups":\[\{"rho":0\.05,.*"params":\[0,1\]\}\]\}$/);
  assert.ok((await readFile(path)).includes(Buffer.from('lrG\x3f\xf0\0\0\0\0\0\0', 'latin1')));
});

test('recorders are asked of the script that has them, which worries nobody', async () => {
  await writePublished(path, { ...published, recorderEpochs: 200 });
  const file = await readCheckpointFile(path);
  assert.equal(describeRefused(file, path), undefined);
  assert.match(JSON.stringify(file.extra), /RecorderMeter1","args":\[200\]/);
});

test('the same content gives the same bytes, and what fails leaves nothing', async () => {
  await writePublished(path, published);
  const first = await readFile(path);
  await writePublished(path, published);
  assert.ok(first.equals(await readFile(path)));
  const wrong = { ...published, tensors: new Map([['w', { ...f32([2], 1, 2), shape: [3] }]]) };
  await assert.rejects(async () => writePublished(path, wrong), /does not fill 8 bytes/);
  assert.ok(first.equals(await readFile(path)));
  assert.deepEqual(await readdir(dir), ['x.pth']);
});
