import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../src/common/errors.js';
import { random } from '../src/common/random.js';
import { readSafetensors, saveModel } from '../src/node/checkpoints/index.js';
import { embedDataset, loadEmbedder } from '../src/node/measure/embed.js';
import { mapFeatures, stratifiedSample } from '../src/node/measure/feature-map.js';
import { loadClassifier } from '../src/recognize/classifier.js';
import { temporaryFolder, tinyCheckpoint, tinyLabels, writePictures } from '../src/recognize/helpers.test.js';
import { loadPicture } from '../src/recognize/pictures.js';
import { toFloat32 } from '../src/safetensors/index.js';

test('features are what the linear head sees, in the order of the dataset', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'tiny.safetensors');
  await saveModel(path, tinyCheckpoint());
  const data = join(folder, 'faces');
  await writePictures(join(data, 'test'), tinyLabels.labels, 3);
  await writeFile(join(data, 'test', 'neutral', '1.png'), 'no picture');
  const embedder = await loadEmbedder(path, { threads: 1 });
  const result = await embedDataset(embedder, data, { batchSize: 2, workers: 0 });
  await embedder.dispose();
  assert.equal(result.split, 'test');
  assert.equal(result.dimension, 8);
  assert.deepEqual([...result.classes], [0, 0, 0, 1, 1, 2, 2, 2]);
  assert.equal(result.skipped.length, 1);
  assert.match(result.paths[4] ?? '', /neutral[\\/]2\.png$/);
  assert.equal(result.features.length, 8 * 8);

  const { tensors } = await readSafetensors(path);
  const head = (name: string): Float32Array => {
    const tensor = tensors.get(`VIT.head.linear.${name}`);
    assert.ok(tensor);
    return toFloat32(tensor, name);
  };
  const [weight, bias] = [head('weight'), head('bias')];
  const classifier = await loadClassifier(path, { threads: 1 });
  for (const [i, picture] of result.paths.entries()) {
    const { logits } = await classifier.classify(
      await loadPicture(picture, classifier.preprocessing, undefined, 'keep'),
      1,
    );
    const features = result.features.subarray(8 * i, 8 * i + 8);
    logits.forEach((logit, k) => {
      const own = features.reduce((sum, value, c) => sum + value * (weight[8 * k + c] ?? 0), bias[k] ?? 0);
      assert.ok(Math.abs(own - logit) < 1e-5, `${own} is not ${logit}`);
    });
    assert.equal(result.predicted[i], logits.indexOf(Math.max(...logits)));
  }
  await classifier.dispose();
});

/** Three clouds far apart in ten dimensions. */
function clouds(n: number): { features: Float32Array; classes: Int32Array } {
  const stream = random(1);
  const classes = Int32Array.from({ length: n }, (_, i) => i % 3);
  const features = Float32Array.from({ length: 10 * n }, (_, i) => {
    const cloud = classes[Math.trunc(i / 10)] ?? 0;
    return stream.normal(i % 10 === cloud ? 20 : 0);
  });
  return { features, classes };
}

test('a map keeps neighbours together, the same for the same seed', async () => {
  const { features, classes } = clouds(120);
  const progress: number[] = [];
  const { indices, points } = await mapFeatures(features, 10, classes, { onProgress: (done) => progress.push(done) });
  assert.deepEqual([...indices], [...classes.keys()]);
  assert.ok(progress.length > 10 && progress.at(-1) === progress.length);
  // The nearest point of another picture is of the same cloud.
  for (let i = 0; i < 120; i++) {
    const distance = (j: number): number =>
      Math.hypot((points[2 * i] ?? 0) - (points[2 * j] ?? 0), (points[2 * i + 1] ?? 0) - (points[2 * j + 1] ?? 0));
    const others = [...classes.keys()].filter((j) => j !== i);
    const nearest = others.reduce((a, b) => (distance(b) < distance(a) ? b : a));
    assert.equal(classes[nearest], classes[i]);
  }
  const again = await mapFeatures(features, 10, classes);
  assert.deepEqual(again.points, points);
  const other = await mapFeatures(features, 10, classes, { seed: 1 });
  assert.notDeepEqual(other.points, points);
});

test('few, equal and impossible features', async () => {
  const four = clouds(4);
  assert.equal((await mapFeatures(four.features, 10, four.classes)).points.length, 8);
  const equal = await mapFeatures(new Float32Array(60).fill(1), 3, new Int32Array(20));
  assert.ok(equal.points.every(Number.isFinite));
  const three = clouds(3);
  await assert.rejects(
    mapFeatures(three.features, 10, three.classes),
    /A map needs at least 4 pictures, and 3 can be used/,
  );
  const broken = clouds(5);
  broken.features[7] = Number.NaN;
  await assert.rejects(mapFeatures(broken.features, 10, broken.classes), UserError);
});

test('a sample has each class as often as all pictures have it', () => {
  const many = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(many, fc.integer({ min: 1, max: 200 }), fc.nat(), (labels, most, seed) => {
      const classes = Int32Array.from(labels);
      const sample = stratifiedSample(classes, most, seed);
      assert.equal(sample.length, Math.min(most, labels.length));
      assert.equal(new Set(sample).size, sample.length);
      assert.deepEqual(sample, sample.toSorted());
      for (let k = 0; k <= 4; k++) {
        const all = labels.filter((label) => label === k).length;
        const drawn = sample.filter((row) => classes[row] === k).length;
        assert.ok(Math.abs(drawn - (all * sample.length) / labels.length) < 1 + 1e-9, `${drawn} of ${all}`);
      }
    }),
  );
});
