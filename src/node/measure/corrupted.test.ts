import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { corruptions } from '../../image/index.js';
import type { Classifier } from '../../recognize/classifier.js';
import { temporaryFolder, tinyCheckpoint, tinyLabels, writePictures } from '../../recognize/helpers.test.js';
import { failsWith, npy, writeTree } from '../datasets/helpers.test.js';
import { evaluateOn } from './evaluate.js';

/** Says class 0, 1 or 2 from how bright a picture is: right on `writePictures`, wrong where much light is added or taken. */
function byBrightness(batches: Float32Array[] = []): Classifier {
  const { parameters: _, ...description } = tinyCheckpoint();
  return {
    labels: tinyLabels,
    preprocessing: description.preprocessing,
    description,
    async classify(images, n) {
      batches.push(images.slice());
      const logits = new Float32Array(n * 3);
      for (let i = 0; i < n; i++) {
        const pixels = images.subarray(i * 256, (i + 1) * 256);
        const mean = (pixels.reduce((a, b) => a + b, 0) / 256) * 0.25 + 0.5;
        logits[i * 3 + Math.max(0, Math.min(2, Math.round((mean * 255 - 70) / 60)))] = 1;
      }
      return { logits, probabilities: logits };
    },
    async dispose() {},
  };
}

test('each corruption has the accuracy that follows from what it does', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(join(root, 'valid'), tinyLabels.labels, 3);
  const counts: (readonly [number, number])[] = [];
  const onProgress = (done: number, total: number): void => {
    counts.push([done, total]);
  };
  const options = { workers: 0, batchSize: 4, corruptions: { onProgress } };
  const { robustness, evaluation } = await evaluateOn(byBrightness(), root, options);
  assert.ok(robustness);
  assert.deepEqual(
    robustness.corruptions.map(({ name, strengths }) => [name, strengths.map(({ strength }) => strength)]),
    corruptions.map(({ name, strengths }) => [name, strengths]),
  );
  assert.deepEqual([robustness.clean.accuracy, evaluation.accuracy], [1, 1]);
  const accuracies = (name: string): (number | null)[] | undefined =>
    robustness.corruptions.find((row) => row.name === name)?.strengths.map(({ accuracy }) => accuracy);
  // Classes are at 70, 130 and 190 of 255, with borders between. Added: 25.5, 51, 76.5, 102, 127.5.
  assert.deepEqual(accuracies('brightness'), [1, 1 / 3, 1 / 3, 1 / 3, 1 / 3]);
  // 0.5 makes 35, 65 and 95 of them: only the first keeps its class.
  assert.deepEqual(accuracies('darkness'), [1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3]);
  // The mean stays.
  for (const name of ['contrast', 'blur', 'rotation', 'shift', 'scale', 'eyes hidden']) {
    assert.deepEqual(accuracies(name), [1, 1, 1, 1, 1], name);
  }
  const total = 9 * 5 * corruptions.length;
  assert.deepEqual(counts.at(-1), [total, total]);
  const all = robustness.corruptions.flatMap(({ strengths }) => strengths.map(({ accuracy }) => accuracy ?? 0));
  assert.ok(Math.abs((robustness.mean.accuracy ?? 0) - all.reduce((a, b) => a + b) / all.length) < 1e-12);
  assert.equal(robustness.strengths.length, 5);
});

test('the same seed corrupts alike, whatever the size of batches; another one does not', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(join(root, 'valid'), tinyLabels.labels, 1);
  const corruptedWith = async (batchSize: number, seed: number): Promise<string[]> => {
    const all: Float32Array[] = [];
    await evaluateOn(byBrightness(all), root, { workers: 0, batchSize, corruptions: { seed } });
    // By picture: batches come in another order.
    const pictures = all.flatMap((batch) =>
      Array.from({ length: batch.length / 256 }, (_, i) => batch.subarray(256 * i, 256 * (i + 1)).join()),
    );
    return pictures.toSorted();
  };
  const whole = await corruptedWith(32, 1);
  assert.ok(whole.length > 3 * 60);
  assert.equal((await corruptedWith(1, 1)).join('\n') === whole.join('\n'), true);
  assert.equal((await corruptedWith(32, 2)).join('\n') === whole.join('\n'), false);
});

test('what a template does not place is left out; a signal stops; tensors are refused', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(join(root, 'valid'), tinyLabels.labels, 1);
  const template = { name: 'own', points: { rightEye: [0.3, 0.4], leftEye: [0.7, 0.4] } } as const;
  const { robustness } = await evaluateOn(byBrightness(), root, { workers: 0, corruptions: { template } });
  assert.deepEqual(robustness?.leftOut, ['mouth hidden']);
  assert.equal(robustness?.corruptions.length, corruptions.length - 1);

  const controller = new AbortController();
  let last = 0;
  const onProgress = (done: number): void => {
    last = done;
    if (done >= 9) controller.abort(new Error('enough'));
  };
  const stopped = evaluateOn(byBrightness(), root, {
    workers: 0,
    corruptions: { onProgress, signal: controller.signal },
  });
  await assert.rejects(stopped, /^Error: enough$/);
  assert.ok(last <= 12, `stopped at once, not after ${last}`);

  const tensors = await temporaryFolder(t);
  await writeTree(join(tensors, 'valid'), {
    'happy/1.npy': npy('<f4', Buffer.alloc(4 * 256), '1, 16, 16'),
    'neutral/1.npy': npy('<f4', Buffer.alloc(4 * 256), '1, 16, 16'),
    'sad/1.npy': npy('<f4', Buffer.alloc(4 * 256), '1, 16, 16'),
  });
  await writeFile(join(tensors, 'dataset.json'), JSON.stringify({ labels: tinyLabels.labels, tensors: true }));
  await failsWith(
    () => evaluateOn(byBrightness(), tensors, { workers: 0, corruptions: {} }),
    /holds tensors \(\.npy\), and corruptions change pictures; name the folder/,
  );
});
