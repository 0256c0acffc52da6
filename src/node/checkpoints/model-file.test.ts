import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../../common/errors.js';
import type { CropTemplate } from '../../common/preprocessing.js';
import { encodeModel, type ModelCheckpoint } from '../../safetensors/model-checkpoint.js';
import { bytesOf, type Tensor } from '../../safetensors/tensor.js';
import { loadModel, loadParameters, readDescription, saveModel } from './model-file.js';
import { readHeader, writeSafetensors } from './safetensors-file.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-model-'));
after(() => rm(dir, { recursive: true }));

const checkpoint: ModelCheckpoint = {
  model: { name: 'poster-v2-nano', config: { windows: [12, 6, 3], landmark: true } },
  labels: { name: 'ferplus', labels: ['neutral', 'Überraschung'] },
  preprocessing: { imageSize: 48, channels: 1, mean: [0.5], std: [0.25] },
  training: {
    command: 'poster train --data x',
    seed: 1,
    epoch: 8,
    metrics: { accuracy: 0.81 },
    dataset: 'FER+ validation',
    versions: { node: '20' },
  },
  parameters: new Map([
    ['bn.running_mean', { shape: [2], data: new Float32Array([0.1, -0]) }],
    ['bn.weight', { shape: [1, 2], data: new Float32Array([1e-40, 3]) }],
  ]),
};

test('a model comes back as it was saved', async () => {
  const path = join(dir, 'model.safetensors');
  await saveModel(path, checkpoint);
  assert.deepEqual(await loadModel(path), checkpoint);
  const { parameters, ...description } = checkpoint;
  assert.deepEqual(await readDescription(path), description);
  assert.deepEqual([...(await readHeader(path)).tensors.keys()], [...parameters.keys()]);
});

test('without a training record there is none', async () => {
  const path = join(dir, 'bare.safetensors');
  const { training, ...bare } = checkpoint;
  assert(training !== undefined);
  await saveModel(path, bare);
  assert.deepEqual(await loadModel(path), bare);
});

test('how faces are cropped is stored with the weights, and checked', async () => {
  const path = join(dir, 'crop.safetensors');
  const preprocessing = {
    ...checkpoint.preprocessing,
    crop: { name: 'own', points: { rightEye: [0.3, 0.4], mouth: [0.5, 0.8] } },
  } as const;
  await saveModel(path, { ...checkpoint, preprocessing });
  assert.deepEqual((await loadModel(path)).preprocessing, preprocessing);
  const wrong: readonly CropTemplate['points'][] = [
    {},
    { mouth: [0.5, 0.8] },
    { mouth: [0.5, 0.8], noseTip: [0.5, 0.8] },
    { mouth: [0.5, 0.8], noseTip: [0.500001, 0.8], leftEye: [0.5, 0.809] },
    { mouth: [0, 9], noseTip: [0, 0] },
  ];
  for (const points of wrong) {
    const crop: CropTemplate = { name: 'own', points };
    assert.throws(() => encodeModel({ ...checkpoint, preprocessing: { ...preprocessing, crop } }), /crop/);
  }
});

const plain = new Map<string, Tensor>([
  ['half', { dtype: 'F16', shape: [2], data: bytesOf(new Uint16Array([0x3c00, 0xc000])) }],
  ['bn.num_batches_tracked', { dtype: 'I64', shape: [], data: new Uint8Array(8) }],
  ['attn1.relative_position_index', { dtype: 'F32', shape: [1], data: new Uint8Array(4) }],
  ['ids', { dtype: 'I32', shape: [1], data: new Uint8Array(4) }],
]);

test('labels are in one Unicode form, also those of older files', async () => {
  const older = { name: 'cafe\u0301', labels: ['neutral', 'U\u0308berraschung'] };
  const path = join(dir, 'older.safetensors');
  const document = { format: 1, model: checkpoint.model, labels: older, preprocessing: checkpoint.preprocessing };
  await writeSafetensors(path, new Map(), new Map([['poster_v2', JSON.stringify(document)]]));
  assert.deepEqual((await readDescription(path)).labels, {
    name: 'caf\u00e9',
    labels: ['neutral', '\u00dcberraschung'],
  });
  // Both forms in one file were two classes, and stay two.
  const both = { name: 'x', labels: ['\u00e9', 'e\u0301'] };
  await saveModel(path, { ...checkpoint, labels: both });
  assert.deepEqual((await readDescription(path)).labels, both);
});

test('a plain safetensors file: weights load, a model needs a description', async () => {
  const path = join(dir, 'plain.safetensors');
  await writeSafetensors(path, plain);
  const { parameters, description } = await loadParameters(path);
  assert.equal(description, undefined);
  assert.deepEqual(parameters, new Map([['half', { shape: [2], data: new Float32Array([1, -2]) }]]));
  const message = /plain safetensors file without a description .*: say which they are\.$/;
  const error = { message, settings: ['model', 'labels'] };
  await assert.rejects(loadModel(path), error);
  await assert.rejects(readDescription(path), error);
  assert.deepEqual(await loadModel(path, checkpoint), { ...checkpoint, parameters });
});

test('a description from outside is checked', async () => {
  const path = join(dir, 'hostile.safetensors');
  const { parameters: _, ...good } = checkpoint;
  const cases: readonly (readonly [string, RegExp])[] = [
    ['{', /The description in .*hostile\.safetensors is not valid JSON/],
    ['{}', /at format:/],
    ['{"format": 2}', /has checkpoint format 2, this version reads 1: install a newer/],
    ['{"format": 1}', /at model:/],
    [JSON.stringify({ ...good, format: 1, labels: { name: 'x', labels: [] } }), /at labels\.labels:/],
    [JSON.stringify({ ...good, format: 1, labels: { name: 'x', labels: ['a', 'a'] } }), /a label occurs twice/],
    [
      JSON.stringify({ ...good, format: 1, labels: { name: 'x', labels: ['\u001b[2J'] } }),
      /at labels\.labels\.0: it has the character U\+001B/,
    ],
    [JSON.stringify({ ...good, format: 1, model: { name: 'x', config: [] } }), /at model\.config:/],
    [
      JSON.stringify({ ...good, format: 1, preprocessing: { ...good.preprocessing, channels: 3 } }),
      /mean and std need one number for each channel/,
    ],
    [
      JSON.stringify({ ...good, format: 1, preprocessing: { ...good.preprocessing, std: [0] } }),
      /at preprocessing\.std\.0/,
    ],
    [JSON.stringify({ ...good, format: 1, preprocessing: { ...good.preprocessing, imageSize: 1e9 } }), /imageSize/],
    ['['.repeat(2 ** 20), /nested deeper than 64 levels/],
    [' '.repeat(2 ** 20 + 1), /its poster_v2 has 1048577 characters, and 1048576 are read at most/],
  ];
  for (const [json, message] of cases) {
    await writeSafetensors(path, plain, new Map([['poster_v2', json]]));
    await assert.rejects(loadModel(path), (error) => {
      assert(error instanceof UserError);
      assert.match(error.message, message);
      return true;
    });
  }
});

test('a wrong description from our own code is a defect, and nothing is written', async () => {
  const path = join(dir, 'never.safetensors');
  const wrong: ModelCheckpoint = { ...checkpoint, labels: { name: 'x', labels: [] } };
  // As all else that goes wrong with a promise: by its rejection.
  await assert.rejects(saveModel(path, wrong), (error) => !(error instanceof UserError));
  await assert.rejects(readHeader(path), /there is no such file/);
});
