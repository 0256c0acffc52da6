import assert from 'node:assert/strict';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { UserError } from '../../common/errors.js';
import type { Classifier } from '../../recognize/classifier.js';
import { temporaryFolder, tinyCheckpoint, tinyLabels, writePictures } from '../../recognize/helpers.test.js';
import { applyView, viewsOf, withViews } from '../../recognize/views.js';
import { evaluateOn } from './evaluate.js';
import type { MappingOptions } from './label-mapping.js';
import type { EvaluateOptions } from './open-evaluation.js';
import { sampledLabelOrder } from './sampled-order.js';

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

test('pictures of low contrast are counted, and stretched where that is asked for', async (t) => {
  const root = await temporaryFolder(t);
  // Noise of 60 values: its contrast is low.
  await writePictures(join(root, 'valid'), tinyLabels.labels, 3);
  const plain = await evaluateOn(byBrightness(), root, { workers: 0 });
  assert.deepEqual(plain.protocol.lowContrast, { pictures: 9, treatment: 'keep' });
  assert.equal(plain.evaluation.accuracy, 1);
  assert.deepEqual(plain.protocol.deviations, []);
  const stretched = await evaluateOn(byBrightness(), root, { workers: 0, lowContrast: 'stretch' });
  assert.deepEqual(stretched.protocol.lowContrast, { pictures: 9, treatment: 'stretch' });
  // All are as bright as each other then.
  assert.equal(stretched.evaluation.accuracy, 1 / 3);
  assert.match(stretched.protocol.deviations.join(), /^9 low-contrast pictures were stretched/);
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

test('labels that are said to be in another order than they are are found out', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(root, tinyLabels.labels, 8);
  const wrong = byBrightness({ name: 'wrong', labels: ['sad', 'happy', 'neutral'] });
  const { evaluation, order, warnings } = await evaluateOn(wrong, root, { workers: 0 });
  assert.equal(evaluation.accuracy, 0);
  assert.deepEqual(order?.accuracy, { measured: 0, fitting: 1 });
  assert.deepEqual(order?.weights.labels, tinyLabels.labels);
  assert.match(warnings.join(), /0\.0% of the pictures are right, and 100\.0% would be if .*happy, neutral, sad/);
  assert.deepEqual(await sampledLabelOrder(wrong, root, '.'), order);
  const right = await evaluateOn(byBrightness(), root, { workers: 0 });
  assert.deepEqual([right.order, right.warnings], [null, []]);
  assert.equal(await sampledLabelOrder(byBrightness(), root, '.'), undefined);
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
  await fails(run(), /no test or validation split, or several; name the one to evaluate on, of train\./);
  await fails(run({ split: 'train' }), /the weights do not know angry and the data lacks happy/);
  const numbered = await temporaryFolder(t);
  await writePictures(numbered, ['1', '2', '3']);
  await fails(evaluateOn(byBrightness(), numbered, { workers: 0 }), /are numbers.*name the label set/);
  const named = await evaluateOn(byBrightness(), numbered, { workers: 0, folderLabels: tinyLabels });
  assert.equal(named.evaluation.accuracy, 1);
});

/** The classifier of the test above with noise of its own in each picture, so that nothing is certain or alike. */
function wavering(): Classifier {
  const steady = byBrightness();
  return {
    ...steady,
    async classify(images, n) {
      const { logits } = await steady.classify(images, n);
      // Looks at the left column more than at the right one: a mirror image says something else.
      const shaken = logits.map((value, at) => 3 * value + (images[Math.floor(at / 3) * 256 + 16 * (at % 3)] ?? 0));
      return { logits: shaken, probabilities: shaken };
    },
  };
}

const softmax = (row: readonly number[]): number[] => {
  const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
  return row.map((value) => Math.exp(value) / total);
};

test('flip averaging is the mean over pictures and their mirror images', async (t) => {
  const [root, turned] = [await temporaryFolder(t), await temporaryFolder(t)];
  await writePictures(root, tinyLabels.labels, 2, 16);
  for (const label of tinyLabels.labels) {
    await mkdir(join(turned, label));
    for (const name of ['0.png', '1.png']) {
      await sharp(join(root, label, name))
        .flop()
        .toFile(join(turned, label, name));
    }
  }
  const rows = async (folder: string, flip: boolean): Promise<number[][]> => {
    const { measured } = await evaluateOn(wavering(), folder, { workers: 0, flip, batchSize: 4 });
    const values = [...measured.logits.data];
    return measured.paths.map((_, i) => values.slice(3 * i, 3 * i + 3));
  };
  const [straight, mirrored, both] = [await rows(root, false), await rows(turned, false), await rows(root, true)];
  assert.notDeepEqual(straight, mirrored);
  straight.forEach((row, i) => {
    const [a, b, mean] = [softmax(row), softmax(mirrored[i] ?? []), (both[i] ?? []).map(Math.exp)];
    for (const c of [0, 1, 2]) {
      const wanted = ((a[c] ?? 0) + (b[c] ?? 0)) / 2;
      assert.ok(Math.abs((mean[c] ?? 0) - wanted) < 1e-6, `${mean[c]} is not ${wanted}`);
    }
  });
  const { protocol } = await evaluateOn(wavering(), root, { workers: 0, flip: true });
  assert.deepEqual(protocol.views, ['picture', 'mirror image']);
  assert.match(protocol.deviations.join(), /mean of the probabilities of the picture and its mirror image/);
});

test('averaging over crops is the mean over pictures that are cut out, and the protocol says so', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(root, tinyLabels.labels, 2, 16);
  const measure = async (options: EvaluateOptions) => {
    const { measured, protocol } = await evaluateOn(wavering(), root, { workers: 0, batchSize: 4, ...options });
    return { values: [...measured.logits.data], protocol };
  };
  const { values: plain } = await measure({});
  const { values, protocol } = await measure({ crops: { count: 5, scale: 0.75 }, flip: true });
  assert.notDeepEqual(values, plain);
  assert.equal(protocol.views.length, 10);
  assert.equal(protocol.cropScale, 0.75);
  assert.match(protocol.deviations.join(), /5 crops of 0.75 of its side and mirrored counted, by the mean of/);
  // The mean of what each view says alone.
  const views = viewsOf({ crops: { count: 5, scale: 0.75 }, flip: true });
  const images = Float32Array.from({ length: 256 }, (_, i) => Math.cos(i));
  const one = wavering();
  const alone = await Promise.all(views.map((view) => one.classify(applyView(images, 16, view), 1)));
  const { probabilities } = await withViews(one, views).classify(images, 1);
  for (const c of [0, 1, 2]) {
    const wanted = alone.reduce((sum, { logits }) => sum + (softmax([...logits])[c] ?? 0), 0) / views.length;
    assert.ok(Math.abs((probabilities[c] ?? 0) - wanted) < 1e-6);
  }
  const { protocol: middle } = await measure({ crops: { count: 1 } });
  assert.match(middle.deviations.join(), /the crop in its middle of 0.875 of its side counted\./);
  assert.equal((await measure({})).protocol.cropScale, null);
});

test('the mean of probabilities that vanish is still told apart', async () => {
  const logits = [Float32Array.of(500, 0, 250), Float32Array.of(500, 100, 0)];
  let turn = 0;
  const alternating: Classifier = {
    ...byBrightness(),
    async classify() {
      const row = logits[turn++] ?? Float32Array.of();
      return { logits: row, probabilities: row };
    },
  };
  const network = withViews(alternating, viewsOf({ flip: true }));
  const { logits: mean } = await network.classify(new Float32Array(256), 1);
  const log2 = Math.log(2);
  for (const [c, wanted] of [0, -400 - log2, -250 - log2].entries()) {
    assert.ok(Math.abs((mean[c] ?? Number.NaN) - wanted) < 1e-4, `${mean[c]} is not ${wanted}`);
  }
});

test('expressions that the weights do not know count as mistakes or are left out', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(root, ['happy', 'neutral', 'sad', 'weird']);
  const run = (mapping: MappingOptions) => evaluateOn(byBrightness(), root, { workers: 0, mapping });
  const wrong = await run({});
  assert.deepEqual(wrong.labels.labels, ['happy', 'neutral', 'sad', 'weird']);
  const { evaluation, protocol } = wrong;
  assert.deepEqual([evaluation.perClass[3]?.support, evaluation.perClass[3]?.predicted], [2, 0]);
  assert.deepEqual([evaluation.accuracy, evaluation.meanClassAccuracy, evaluation.crossEntropy], [0.75, 0.75, null]);
  assert.deepEqual(protocol.labels.unknown, { labels: ['weird'], treatment: 'wrong', pictures: 2 });
  assert.match(protocol.deviations.join(), /do not know weird: 2 pictures were counted as mistakes/);
  const out = await run({ unknown: 'leave-out' });
  assert.deepEqual([out.evaluation.samples, out.evaluation.accuracy], [6, 1]);
  assert.deepEqual(out.protocol.pictures, {
    measured: 6,
    unreadable: 0,
    withoutMajority: 0,
    unknown: 2,
    without: 0,
    seen: 0,
  });
  assert.match(out.protocol.deviations.join(), /do not know weird: 2 pictures were left out/);
});

test('expressions that the data lacks are kept in the ranking or removed from it', async (t) => {
  const root = await temporaryFolder(t);
  // As bright as `neutral` and `sad` look, of which the data has only the last.
  await writePictures(root, ['happy', 'sad', 'surprised']);
  const weights = { name: 'w', labels: ['happy', 'contempt', 'sad'] };
  const run = (absent: 'keep' | 'remove') =>
    evaluateOn(byBrightness(weights), root, { workers: 0, mapping: { unknown: 'leave-out', absent } });
  const kept = await run('keep');
  assert.deepEqual(kept.evaluation.confusion, [
    [2, 0, 0],
    [0, 0, 0],
    [0, 2, 0],
  ]);
  assert.match(kept.protocol.deviations.join(), /no contempt: choosing it counted as a mistake/);
  const removed = await run('remove');
  assert.deepEqual(removed.evaluation.confusion[2], [2, 0, 0]);
  // Probabilities are those of the two that are left: both logits are 0.
  assert.ok(Math.abs((removed.evaluation.calibration.bins[7]?.confidence ?? 0) - 0.5) < 1e-9);
  assert.match(removed.protocol.deviations.join(), /no contempt: removed from the ranking/);
});

test('expressions that take no part are neither measured nor chosen', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(root, ['happy', 'neutral', 'sad']);
  const run = (without: readonly string[]) => evaluateOn(byBrightness(), root, { workers: 0, without });
  const all = await run([]);
  assert.deepEqual(all.protocol.labels.without, []);
  assert.equal(all.evaluation.samples, 6);
  const { evaluation, protocol } = await run(['Neutral']);
  assert.equal(evaluation.samples, 4);
  assert.deepEqual(
    evaluation.perClass.map(({ support, predicted }) => [support, predicted]),
    [
      [2, 2],
      [0, 0],
      [2, 2],
    ],
  );
  assert.equal(evaluation.meanClassAccuracy, 1);
  assert.deepEqual([protocol.pictures.without, protocol.pictures.unknown], [2, 0]);
  assert.match(protocol.deviations.join(), /Measured without Neutral: 2 pictures were left out, and the best of the/);
});

test('a fold is measured alone, and pictures that were trained on are told', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(join(root, 'train'), tinyLabels.labels, 4);
  await writeFile(
    join(root, 'dataset.json'),
    JSON.stringify({
      name: 'faces',
      labels: tinyLabels.labels,
      folders: { happy: 'happy', neutral: 'neutral', sad: 'sad' },
    }),
  );
  const fold = { index: 2, count: 3, seed: 5 };
  const plain = byBrightness();
  const trained = (on: object): Classifier => ({
    ...plain,
    description: {
      ...plain.description,
      training: {
        command: 'poster train',
        seed: 5,
        epoch: 1,
        metrics: {},
        dataset: 'faces',
        versions: {},
        protocol: { dataset: 'faces', trainSplit: 'train', selectionSplit: null, selection: 'a tenth', ...on },
      },
    },
  });
  const paths = new Set<string>();
  for (const index of [1, 2, 3]) {
    const own = { ...fold, index };
    const { measured, split, protocol } = await evaluateOn(trained({ fold: own }), root, { workers: 0, fold: own });
    assert.deepEqual([split, protocol.fold, protocol.deviations], ['train', own, []]);
    assert.equal(measured.paths.length, 4);
    for (const path of measured.paths) paths.add(path);
  }
  assert.equal(paths.size, 12);
  assert.ok(paths.has('train/sad/3.png'));
  const notes = async (on: object, options: object): Promise<string> =>
    (await evaluateOn(trained(on), root, { workers: 0, ...options })).protocol.deviations.join();
  assert.match(await notes({ fold: { ...fold, index: 1 } }, { fold }), /trained on split 'train'.*without fold 1 of 3/);
  assert.match(await notes({}, { split: 'train' }), /pictures measured here are among those/);
  assert.match(await notes({ trainSplit: 'x', selectionSplit: 'train' }, { split: 'train' }), /the figures flatter/);
  assert.equal(await notes({ trainSplit: 'x', dataset: 'y' }, { split: 'train' }), '');
});

test('measured pictures that are in the training split too are counted', async (t) => {
  const root = await temporaryFolder(t);
  await writePictures(join(root, 'train'), tinyLabels.labels, 2);
  await writePictures(join(root, 'test'), tinyLabels.labels, 1, 22);
  const protocol = async (split: string) => (await evaluateOn(byBrightness(), root, { workers: 0, split })).protocol;
  assert.deepEqual([(await protocol('test')).shared, (await protocol('test')).deviations], [null, []]);
  await copyFile(join(root, 'train/sad/1.png'), join(root, 'test/sad/copy.png'));
  const { shared, deviations } = await protocol('test');
  assert.deepEqual(shared, { split: 'train', pictures: 1 });
  assert.match(deviations.join(), /1 measured picture was found in split 'train' of this dataset too/);
  assert.equal((await protocol('train')).shared, null);
  const unseen = await evaluateOn(byBrightness(), root, { workers: 0, split: 'test', unseen: true });
  assert.deepEqual([unseen.protocol.shared, unseen.protocol.pictures.seen], [null, 1]);
  assert.ok(!unseen.measured.paths.includes('test/sad/copy.png'));
  assert.match(unseen.protocol.deviations.join(), /1 picture was left out because the training split has the same/);
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
