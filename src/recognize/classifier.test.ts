import assert from 'node:assert/strict';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../common/errors.js';
import { random } from '../common/random.js';
import { buildInference, posterV2Network } from '../models/index.js';
import { readSafetensors, saveModel, withCheckpoint, writeSafetensors } from '../node/checkpoints/index.js';
import { lower, slopesOf } from '../passes/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';
import {
  type ByteSource,
  type Checkpoint,
  encodeModel,
  type FloatArray,
  safetensorsChunks,
} from '../safetensors/index.js';
import { loadClassifier } from './classifier.js';
import { temporaryFolder, tinyCheckpoint, tinyConfig, writePictures } from './helpers.test.js';
import { openNetwork } from './network.js';
import { loadPicture } from './pictures.js';
import { predict } from './predict.js';

const images = Float32Array.from({ length: 2 * 256 }, (_, i) => random(2, i).normal());

/** Logits of a graph that is fed its weights. */
async function fedLogits(parameters: ReadonlyMap<string, FloatArray>): Promise<Float32Array> {
  const session = await CpuSession.create(lower(buildInference(posterV2Network(tinyConfig)).graph, 'cpu'));
  const feeds = new Map([...parameters].map(([name, { data, shape }]) => [name, hostTensor('float32', data, shape)]));
  feeds.set('pixel_values', hostTensor('float32', images, [2, 1, 16, 16]));
  const logits = floats((await session.run(feeds)).get('logits'));
  await session.dispose();
  return logits;
}

function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - (expected[i] ?? Number.NaN)) < tolerance, `${i}: ${value} is not ${expected[i]}`);
  });
}

test('weights that the model finds in the safetensors file give what weights fed to it give', async (t) => {
  const path = join(await temporaryFolder(t), 'tiny.safetensors');
  const checkpoint = tinyCheckpoint();
  await saveModel(path, checkpoint);
  const classifier = await loadClassifier(path);
  const { logits, probabilities } = await classifier.classify(images, 2);
  assertClose(logits, await fedLogits(checkpoint.parameters), 1e-5);
  for (const row of [probabilities.subarray(0, 3), probabilities.subarray(3)]) {
    assert.ok(Math.abs(row.reduce((a, b) => a + b, 0) - 1) < 1e-6);
  }
  // One picture alone: the batch size is free, and pictures do not touch each other.
  const one = await classifier.classify(images.subarray(256), 1);
  assertClose(one.logits, logits.subarray(3), 1e-5);
  assert.equal(classifier.description.model.name, 'tiny');
  await classifier.dispose();
});

test('ONNX Runtime maps the weights in a file: of their values only the slopes are read', async (t) => {
  const path = join(await temporaryFolder(t), 'tiny.safetensors');
  const checkpoint = tinyCheckpoint();
  await saveModel(path, checkpoint);
  const read: string[] = [];
  const pieces: number[] = [];
  const network = await withCheckpoint(path, (opened) => {
    const { mappable } = opened;
    assert.ok(mappable);
    const source: ByteSource = {
      ...mappable.source,
      readInto(bytes, offset) {
        pieces.push(bytes.byteLength);
        return mappable.source.readInto(bytes, offset);
      },
    };
    const watched: Checkpoint = {
      ...opened,
      mappable: { ...mappable, source },
      read(wanted) {
        read.push(...wanted);
        return opened.read(wanted);
      },
    };
    return openNetwork(watched, {}, buildInference);
  });
  const slopes = slopesOf(buildInference(posterV2Network(tinyConfig)).graph);
  assert.ok(slopes.length > 0);
  assert.deepEqual(read.sort(), [...slopes].sort());
  // Looked through for what is no number, each tensor by itself, and kept nowhere.
  assert.equal(pieces.length, checkpoint.parameters.size);
  assertClose((await network.run(images, 2))('logits'), await fedLogits(checkpoint.parameters), 1e-5);
  await network.dispose();
});

test('the bytes of a checkpoint are one too', async () => {
  const checkpoint = tinyCheckpoint();
  const { metadata, tensors } = encodeModel(checkpoint);
  const bytes = new Uint8Array(
    await new Blob([...safetensorsChunks(tensors, metadata)].map((chunk) => chunk.slice())).arrayBuffer(),
  );
  for (const source of [bytes, bytes.buffer, new Blob([bytes])]) {
    const classifier = await loadClassifier(source);
    assertClose((await classifier.classify(images, 2)).logits, await fedLogits(checkpoint.parameters), 1e-5);
    await classifier.dispose();
  }
  await assert.rejects(
    loadClassifier(new URL('https://example.org/model.safetensors')),
    /^UserError: https:\/\/example\.org\/model\.safetensors is no address of a file; fetch it first/,
  );
});

test('a checkpoint may lie behind a symbolic link', { skip: process.platform === 'win32' }, async (t) => {
  const path = join(await temporaryFolder(t), 'tiny.safetensors');
  await saveModel(path, tinyCheckpoint());
  const link = join(await temporaryFolder(t), 'ein Verweis ü.safetensors');
  await symlink(path, link);
  const classifier = await loadClassifier(link);
  assert.equal((await classifier.classify(images, 2)).logits.length, 6);
  await classifier.dispose();
});

test('tensors that are no float32, or not aligned, are converted', async (t) => {
  const path = join(await temporaryFolder(t), 'wide.safetensors');
  const checkpoint = tinyCheckpoint();
  await saveModel(path, checkpoint);
  const { metadata, tensors } = await readSafetensors(path);
  const first = [...checkpoint.parameters][0];
  assert.ok(first);
  const [name, { data, shape }] = first;
  const wide = new Uint8Array(Float64Array.from(data).buffer);
  await writeSafetensors(path, new Map([...tensors, [name, { dtype: 'F64', shape, data: wide }]]), metadata);
  const classifier = await loadClassifier(path);
  const { logits } = await classifier.classify(images, 2);
  assertClose(logits, await fedLogits(checkpoint.parameters), 1e-5);
  await classifier.dispose();
});

test('a checkpoint that does not fit is explained', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'wrong.safetensors');
  const checkpoint = tinyCheckpoint();
  const fails = async (pattern: RegExp): Promise<void> => {
    await assert.rejects(loadClassifier(path), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, pattern);
      return true;
    });
  };
  const parameters = new Map(checkpoint.parameters);
  parameters.delete('VIT.cls_token');
  parameters.set('VIT.surplus.weight', { shape: [2], data: new Float32Array(2) });
  parameters.set('conv1.weight', { shape: [3], data: new Float32Array(3) });
  await saveModel(path, { ...checkpoint, parameters });
  await fails(
    /1 of another shape: conv1\.weight is \[3\] instead of \[.*1 missing: VIT\.cls_token.*VIT\.surplus\.weight/,
  );

  await saveModel(path, { ...checkpoint, labels: { name: 'two', labels: ['a', 'b'] } });
  await fails(/contradicts itself \(3 classes for 2 labels\)/);
  await saveModel(path, { ...checkpoint, preprocessing: { ...checkpoint.preprocessing, imageSize: 32 } });
  await fails(/contradicts itself \(pictures of another size/);
  await saveModel(path, { ...checkpoint, model: { name: 'tiny', config: { numClasses: 3 } } });
  await fails(/The network configuration in .* does not have the expected content/);

  await writeSafetensors(path, new Map());
  await fails(/does not say which network and labels it belongs to/);
  await writeFile(path, 'not a checkpoint');
  await fails(/wrong\.safetensors/);
});

test('predict ranks the labels of a picture', async (t) => {
  const path = join(await temporaryFolder(t), 'tiny.safetensors');
  await saveModel(path, tinyCheckpoint());
  const classifier = await loadClassifier(path, { threads: 1 });
  assert.deepEqual(await predict(classifier, []), []);
  const folder = await temporaryFolder(t);
  await writePictures(folder, ['a'], 2);
  const pictures = [join(folder, 'a', '0.png'), join(folder, 'a', '1.png')];
  const scores = await predict(classifier, pictures);
  assert.equal(scores.length, 2);
  const first = await loadPicture(pictures[0] ?? '', classifier.preprocessing);
  assert.equal(first.length, 256);
  const { logits, probabilities } = await classifier.classify(first, 1);
  assert.deepEqual(scores[0]?.map(({ label }) => label).toSorted(), ['happy', 'neutral', 'sad']);
  for (const [i, label] of classifier.labels.labels.entries()) {
    const score = scores[0]?.find((one) => one.label === label);
    assertClose(
      Float32Array.of(score?.logit ?? 0, score?.probability ?? 0),
      Float32Array.of(logits[i] ?? 0, probabilities[i] ?? 0),
      1e-5,
    );
  }
  const ranked = scores[0]?.map(({ probability }) => probability) ?? [];
  assert.deepEqual(
    ranked,
    ranked.toSorted((a, b) => b - a),
  );
  await classifier.dispose();
});
