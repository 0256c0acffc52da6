import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../common/errors.js';
import type { Classifier } from './classifier.js';
import { evaluateOn } from './evaluate.js';
import { temporaryFolder, tinyCheckpoint, tinyLabels, writePictures } from './helpers.test.js';

/** Says class 0, 1 or 2 from how bright a picture is: always right on `writePictures` in that order of folders. */
function byBrightness(labels = tinyLabels): Classifier {
  const { parameters: _, ...description } = tinyCheckpoint();
  return {
    labels,
    preprocessing: description.preprocessing,
    description: { ...description, labels },
    async classify(images, n) {
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

test('every picture is measured, with any batch size', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(join(root, 'valid'), tinyLabels.labels, 3);
  for (const batchSize of [1, 4, 100]) {
    const { evaluation, split, skipped, note } = await evaluateOn(byBrightness(), root, { batchSize, workers: 0 });
    assert.deepEqual([split, skipped, note], ['valid', [], undefined]);
    assert.equal(evaluation.samples, 9);
    assert.equal(evaluation.accuracy, 1);
  }
});

test('labels in another order are matched by name, and that is said', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(root, ['Happiness', 'neutral', 'Sadness']);
  const weights = { name: 'turned', labels: ['sad', 'happy', 'neutral'] };
  const { evaluation, note } = await evaluateOn(byBrightness(weights), root, { workers: 0 });
  assert.match(note ?? '', /matched by name/);
  // Folder k is as bright as class k looks; the weights call that class something else.
  assert.deepEqual(
    evaluation.confusion.map((row) => row.indexOf(2)),
    [2, 0, 1],
  );
});

test('labels that differ, and splits that are not there, are explained', async (t) => {
  const root = await temporaryFolder(t);
  const fails = (run: Promise<unknown>, pattern: RegExp): Promise<void> =>
    assert.rejects(run, (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, pattern);
      return true;
    });
  await writePictures(join(root, 'train'), ['angry', 'neutral', 'sad']);
  const run = (options = {}): Promise<unknown> => evaluateOn(byBrightness(), root, { workers: 0, ...options });
  await fails(run(), /neither a test nor a valid split; .*--split \(it has train\)/);
  await fails(run({ split: 'train' }), /the weights do not know angry and the data lacks happy/);
  const numbered = await temporaryFolder(t);
  await writePictures(numbered, ['1', '2', '3']);
  await fails(evaluateOn(byBrightness(), numbered, { workers: 0 }), /are numbers.*--data-labels/);
  const named = await evaluateOn(byBrightness(), numbered, { workers: 0, folderLabels: tinyLabels });
  assert.equal(named.evaluation.accuracy, 1);
});

test('a picture that cannot be read is left out and listed, or refused', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(root, tinyLabels.labels);
  await writeFile(join(root, 'sad', 'broken.png'), 'no picture');
  const { evaluation, skipped } = await evaluateOn(byBrightness(), root, { workers: 0 });
  assert.equal(evaluation.samples, 6);
  assert.equal(evaluation.accuracy, 1);
  assert.equal(skipped.length, 1);
  assert.match(skipped[0]?.reason ?? '', /broken\.png/);
  await assert.rejects(evaluateOn(byBrightness(), root, { workers: 0, strict: true }), UserError);
});
