import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import ort from 'onnxruntime-node';
import { z } from 'zod';
import { UserError } from '../src/common/errors.js';
import { itemAt } from '../src/common/item-at.js';
import { random } from '../src/common/random.js';
import { explain, loadExplainer } from '../src/explain/explain.js';
import {
  loadModel,
  readDescription,
  readSafetensors,
  saveModel,
  writeSafetensors,
} from '../src/node/checkpoints/index.js';
import { convert } from '../src/node/convert/index.js';
import { holdOut, loadDataset } from '../src/node/datasets/index.js';
import { calibrate } from '../src/node/measure/calibrate.js';
import { calibrationPictures, openInWeightsOrder } from '../src/node/measure/calibration-pictures.js';
import { loadEmbedder } from '../src/node/measure/embed.js';
import { evaluateOn } from '../src/node/measure/evaluate.js';
import { parseRun } from '../src/node/runs/options.js';
import { defaultRun, runFor } from '../src/node/runs/recipes.js';
import { foldOf, openData } from '../src/node/runs/run-data.js';
import { storeTemperature } from '../src/node/runs/run-temperature.js';
import { loadClassifier } from '../src/recognize/classifier.js';
import { temporaryFolder, tinyCheckpoint, tinyLabels, writePictures } from '../src/recognize/helpers.test.js';
import { Recognizer } from '../src/recognize/recognizer.js';
import { viewsOf, withViews } from '../src/recognize/views.js';
import { descriptionKey, type TemperatureRecord } from '../src/safetensors/index.js';
import { apart, fails, succeeds } from './support/cli.js';

const record: TemperatureRecord = { format: 1, value: 0.25, targets: 'labels', pictures: 9, dataset: 'faces' };

/** A tiny network with a temperature, in a file. */
async function calibrated(folder: string): Promise<string> {
  const path = join(folder, 'calibrated.safetensors');
  await saveModel(path, { ...tinyCheckpoint(), temperature: record });
  return path;
}

const picture = (n = 1): Float32Array => Float32Array.from({ length: n * 256 }, (_, i) => random(1, i).normal());

const near = (a: ArrayLike<number>, b: ArrayLike<number>, most = 1e-6): void => {
  assert.equal(a.length, b.length);
  Array.from(a).forEach((value, i) => {
    assert.ok(Math.abs(value - (b[i] ?? Number.NaN)) < most, `${value} is not ${b[i]}`);
  });
};

function softmax(logits: ArrayLike<number>): number[] {
  const powers = Array.from(logits, Math.exp);
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

test('a temperature counts wherever probabilities are shown, and raw shows them without', async (t) => {
  const folder = await temporaryFolder(t);
  const path = await calibrated(folder);
  const images = picture();
  const of = async (raw: boolean) => {
    const classifier = await loadClassifier(path, { threads: 1, raw });
    const plain = await classifier.classify(images, 1);
    const flipped = await withViews(classifier, viewsOf({ flip: true })).classify(images, 1);
    await classifier.dispose();
    return { plain, flipped };
  };
  const [without, withIt] = [await of(true), await of(false)];
  near(
    withIt.plain.logits,
    without.plain.logits.map((value) => value / 0.25),
  );
  near(withIt.plain.probabilities, softmax(withIt.plain.logits));
  near(without.plain.probabilities, softmax(without.plain.logits));
  assert.deepEqual([withIt.plain.rawLogits, without.plain.rawLogits], [without.plain.logits, undefined]);
  assert.deepEqual([withIt.flipped.rawLogits, without.flipped.rawLogits], [without.flipped.logits, undefined]);
  near(withIt.flipped.probabilities, softmax(withIt.flipped.logits));

  const embedder = await loadEmbedder(path, { threads: 1 });
  near((await embedder.embed(images, 1)).logits, withIt.plain.logits);
  await embedder.dispose();

  await writePictures(folder, ['faces'], 1);
  const face = join(folder, 'faces', '0.png');
  for (const raw of [false, true]) {
    const recognizer = await Recognizer.load({ checkpoint: path, aligned: true, threads: 1, raw });
    const { faces } = await recognizer.recognize(face);
    await recognizer.dispose();
    const explainer = await loadExplainer(path, { threads: 1, raw });
    const { scores } = await explain(explainer, face);
    await explainer.dispose();
    near(
      scores.map(({ probability }) => probability),
      faces[0]?.scores.map(({ probability }) => probability) ?? [],
    );
    near(
      scores.map(({ logit }) => logit),
      faces[0]?.scores.map(({ logit }) => logit) ?? [],
    );
  }
});

test('an ONNX model and a Hugging Face folder have the temperature in their weights, a .pth beside them', async (t) => {
  const folder = await temporaryFolder(t);
  const path = await calibrated(folder);
  const images = picture(3);
  const classify = async (checkpoint: string, raw = false) => {
    const classifier = await loadClassifier(checkpoint, { threads: 1, raw });
    const answer = await classifier.classify(images, 3);
    await classifier.dispose();
    return answer;
  };
  const { logits, probabilities } = await classify(path);
  const onnx = await convert(path, join(folder, 'm.onnx'));
  assert.match(onnx.notes.map(({ sentence }) => sentence).join(), /temperature 0\.2500 is part of the weights/);
  const session = await ort.InferenceSession.create(join(folder, 'm.onnx'));
  const outputs = await session.run({ pixel_values: new ort.Tensor('float32', images, [3, 1, 16, 16]) });
  await session.release();
  const data = outputs['probabilities']?.data;
  assert.ok(data instanceof Float32Array);
  near(data, probabilities, 1e-5);

  await convert(path, join(folder, 'hub/'), { to: 'huggingface' });
  near((await classify(join(folder, 'hub'))).logits, logits, 1e-4);
  assert.equal((await readDescription(join(folder, 'hub', 'model.safetensors'))).temperature, undefined);

  const { notes } = await convert(path, join(folder, 'm.pth'));
  assert.match(notes.map(({ sentence }) => sentence).join(), /without the temperature 0\.2500/);
  await convert(join(folder, 'm.pth'), join(folder, 'back.safetensors'));
  assert.deepEqual(await loadModel(join(folder, 'back.safetensors')), await loadModel(path));
});

test('a checkpoint is calibrated on a split: its order stays, its cross-entropy falls', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'tiny.safetensors');
  await saveModel(path, tinyCheckpoint(), 'F16');
  const data = join(folder, 'faces');
  await writePictures(join(data, 'valid'), tinyLabels.labels, 4);
  // Logits of first values are the same for all pictures: sort these into the classes they are taken for, all but one.
  const before = await readSafetensors(path);
  const out = join(folder, 'calibrated.safetensors');
  const moved = join(folder, 'sorted');
  const first = await loadClassifier(path, { threads: 1 });
  const { measured } = await evaluateOn(first, data, { workers: 0 });
  await first.dispose();
  const { classes, data: logits } = measured.logits;
  await writePictures(join(moved, 'valid'), tinyLabels.labels, 1);
  for (const [i, name] of measured.paths.entries()) {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const taken = row.indexOf(Math.max(...row));
    const label = tinyLabels.labels[i % 4 === 0 ? (taken + 1) % 3 : taken];
    await copyFile(join(data, name), join(moved, 'valid', String(label), `copy-${i}.png`));
  }
  const fitted = await calibrate(path, moved, { split: 'valid', out, workers: 0, network: { threads: 1 } });
  assert.ok((fitted.after.crossEntropy ?? 9) < (fitted.before.crossEntropy ?? 0));
  assert.deepEqual((await readDescription(out)).temperature, fitted.record);
  assert.equal(fitted.record.pictures, 15);
  // Half precision and all else stays to the bit.
  assert.deepEqual((await readSafetensors(out)).tensors, before.tensors);
  const classifier = await loadClassifier(out, { threads: 1 });
  const { evaluation, uncalibrated, votes } = await evaluateOn(classifier, moved, { workers: 0 });
  await classifier.dispose();
  assert.equal(votes, null);
  assert.equal(uncalibrated?.temperature, fitted.record.value);
  assert.equal(uncalibrated?.ece, fitted.before.ece);
  assert.ok(Math.abs((evaluation.crossEntropy ?? 0) - (fitted.after.crossEntropy ?? 9)) < 1e-5);

  const few = join(folder, 'few');
  await writePictures(join(few, 'train'), tinyLabels.labels, 1);
  await writePictures(join(few, 'valid'), ['happy'], 3);
  const refused = (targets: 'labels' | 'distribution', sentence: RegExp, checkpoint = path): Promise<void> =>
    assert.rejects(
      calibrate(checkpoint, few, { split: 'valid', targets, workers: 0 }),
      (error) => error instanceof UserError && sentence.test(error.message),
    );
  await refused('labels', /on pictures of one class/);
  await refused('distribution', /has votes, so no temperature/);
  await convert(path, join(folder, 'tiny.pth'));
  await refused('labels', /PyTorch checkpoint/, join(folder, 'tiny.pth'));
});

test('agreement with votes is measured where there are some, in the order of the weights', async (t) => {
  const folder = await temporaryFolder(t);
  const data = join(folder, 'faces');
  await writePictures(join(data, 'valid'), tinyLabels.labels, 2);
  const shares = { happy: [0.7, 0.2, 0.1], neutral: [0.1, 0.8, 0.1], sad: [0.3, 0.3, 0.4] };
  await writeFile(join(data, 'dataset.json'), JSON.stringify({ name: 'three', labels: ['happy', 'neutral', 'sad'] }));
  await writeFile(
    join(data, 'valid', 'votes.jsonl'),
    Object.entries(shares)
      .map(([name, votes]) => `${JSON.stringify({ image: `${name}/0.png`, majority: true, votes })}\n`)
      .join(''),
  );
  const path = await calibrated(folder);
  const classifier = await loadClassifier(path, { threads: 1 });
  const { votes, uncalibrated, measured } = await evaluateOn(classifier, data, { workers: 0 });
  await classifier.dispose();
  assert.equal(votes?.samples, 3);
  const expected = Object.entries(shares).map(([name, row]) => {
    const at = measured.paths.indexOf(`valid/${name}/0.png`);
    const probabilities = softmax(measured.logits.data.subarray(3 * at, 3 * at + 3));
    return row.reduce((sum, share, c) => sum - share * Math.log(probabilities[c] ?? 0), 0);
  });
  near([votes?.crossEntropy ?? 0], [expected.reduce((a, b) => a + b, 0) / 3]);
  assert.notEqual(uncalibrated?.votes?.crossEntropy, votes?.crossEntropy);
  assert.equal(uncalibrated?.votes?.entropyCorrelation, votes?.entropyCorrelation);
});

test('temperatures that cannot be are refused in a sentence', async (t) => {
  const folder = await temporaryFolder(t);
  const path = await calibrated(folder);
  const { metadata, tensors } = await readSafetensors(path);
  const document = z.record(z.string(), z.unknown()).parse(JSON.parse(metadata.get(descriptionKey) ?? ''));
  const hostile = join(folder, 'hostile.safetensors');
  const wrong: readonly unknown[] = [
    ...[0, -1, 1e-9, 1e9, null, '1', [1], {}].map((value) => ({ ...record, value })),
    { ...record, format: 2 },
    { ...record, targets: 'all' },
    { ...record, pictures: -1 },
    { ...record, dataset: 'x'.repeat(2000) },
    7,
    'raw',
    null,
  ];
  for (const temperature of wrong) {
    const description = JSON.stringify({ ...document, temperature });
    await writeSafetensors(hostile, tensors, new Map([[descriptionKey, description]]));
    await assert.rejects(
      loadClassifier(hostile),
      (error) => error instanceof UserError && /at temperature/.test(error.message),
      JSON.stringify(temperature),
    );
  }
});

const answer = z.object({ temperature: z.number().nullable() });

test('a run keeps pictures for a temperature, and stores it with its best weights', { timeout: 300_000 }, async (t) => {
  const folder = await temporaryFolder(t);
  const train = join(folder, 'faces', 'train');
  await writePictures(train, ['happy', 'sad'], 12, 48);
  // Pictures that no network can tell apart.
  for (let i = 0; i < 6; i++) await copyFile(join(train, 'happy', `${i}.png`), join(train, 'sad', `${i}.png`));
  const run = ['train', '--data', 'faces', '--model', 'resnet8', '--epochs', '1', '--batch-size', '8', '--rho', '0'];
  const more = [
    '--calibration',
    '0.5',
    '--seed',
    '3',
    '--device',
    'cpu',
    '--workers',
    '0',
    '--no-tensorboard',
    '--json',
  ];
  const { stdout } = await succeeds([...run, ...more, '--out', 'run'], folder);
  const { temperature } = await readDescription(join(folder, 'run', 'best.safetensors'));
  assert.equal(answer.parse(JSON.parse(stdout)).temperature, temperature?.value ?? null);
  assert.equal((await readDescription(join(folder, 'run', 'last.safetensors'))).temperature, undefined);
  // The same pictures as `poster calibrate` takes, and none of those that were trained on or chose the epoch.
  const whole = await loadDataset(join(folder, 'faces'), 'train', { keepNonMajority: true });
  assert.equal(holdOut(whole, 0.5, 3).validation.samples.length, 12);
  assert.ok(temperature !== undefined);
  assert.equal(temperature.pictures, 12);
  const again = ['calibrate', '--checkpoint', 'run/best.safetensors', '--data', 'faces', '--split', 'train'];
  const held = ['--hold-out', '0.5', '--workers', '0', '--out', 'again.safetensors', '--json'];
  const calibrated = await succeeds([...again, ...held], folder, apart);
  assert.deepEqual(z.object({ skipped: z.array(z.unknown()) }).parse(JSON.parse(calibrated.stdout)).skipped, []);
  const found = (await readDescription(join(folder, 'again.safetensors'))).temperature;
  assert.deepEqual(found, temperature);
  const evaluate = ['evaluate', '--data', 'faces', '--split', 'train', '--checkpoint', 'run', '--workers', '0'];
  const text = (await succeeds(evaluate, folder)).stdout;
  assert.match(text, /calibration error % without it/);
  const raw = await succeeds([...evaluate, '--raw'], folder);
  assert.doesNotMatch(raw.stdout, /without it/);
  await fails(
    ['calibrate', '--checkpoint', 'run/last.safetensors', '--data', 'faces', '--split', 'train'],
    folder,
    3,
    /state of a run/,
  );
  const state = await readFile(join(folder, 'run', 'last.safetensors'));
  const over = ['--out', 'run/last.safetensors'];
  await fails(
    [...again, ...over],
    folder,
    2,
    /^poster: run\/last\.safetensors is the state of a run, which could not be resumed without it; name another file\.$/m,
  );
  const balance = ['rebalance', '--checkpoint', 'run/best.safetensors', '--data', 'faces'];
  await fails(
    [...balance, ...over],
    folder,
    2,
    /^poster: run\/last\.safetensors is the state of a run, which could not be resumed without it; name another file\.$/m,
  );
  const ofState = /^poster: run\/last\.safetensors is the state of a run, which could not be resumed without it;/m;
  await fails(['convert', 'run/best.safetensors', 'run/last.safetensors'], folder, 2, ofState);
  const embed = ['embed', 'faces', '--split', 'train', '--checkpoint', 'run/best.safetensors'];
  await fails([...embed, ...over], folder, 2, ofState);
  await fails(['learn', 'faces/train', '--aligned', ...over], folder, 2, ofState);
  assert.deepEqual(await readFile(join(folder, 'run', 'last.safetensors')), state);
  await fails(
    [...run, '--resume', 'run/last.safetensors', '--calibration', '0.2'],
    folder,
    2,
    /--calibration was 0\.5/,
  );
  // A picture of that part that cannot be read is reported, or ends it where all are asked for.
  const part = holdOut(whole, 0.5, 3).validation;
  await writeFile(itemAt(part.samples, 0).path, 'no picture');
  const data = { labels: whole.labels, train: part, validation: part, calibration: part, validationName: '' };
  const fit = (strict: boolean) =>
    storeTemperature(
      join(folder, 'run', 'best.safetensors'),
      data,
      { device: 'cpu', workers: 0, strict },
      { ...defaultRun('resnet8', 'faces'), calibration: 0.5, seed: 3 },
      {},
    );
  await assert.rejects(fit(true), { name: 'UserError', kind: 'input', message: /\.png/ });
  assert.deepEqual(
    (await fit(false)).skipped.map(({ path }) => path),
    [itemAt(part.samples, 0).path],
  );
});

test('the part that a run kept is what the run kept, without the fold of a cross-validation', async (t) => {
  const root = join(await temporaryFolder(t), 'faces');
  // Pictures are not opened: any bytes will do.
  for (const label of tinyLabels.labels) {
    await mkdir(join(root, 'train', label), { recursive: true });
    for (let i = 0; i < 20; i++) await writeFile(join(root, 'train', label, `${i}.png`), '');
  }
  const opened = await openInWeightsOrder(tinyLabels, root, { split: 'train' });
  const protocol = { dataset: 'faces', trainSplit: 'train', selectionSplit: null, selection: '' };
  const record = { command: '', seed: 3, epoch: 1, metrics: {}, dataset: '', versions: {} };
  const { model, preprocessing } = tinyCheckpoint();
  for (const folds of [{}, { folds: 4, fold: 2 }]) {
    const given = { ...folds, calibration: 0.2, holdOut: 0.15, seed: 3 };
    const run = parseRun(runFor({ data: root, model: 'resnet8', given }));
    const { train, validation, calibration } = await openData(run);
    const fold = foldOf(run);
    const training = { ...record, protocol: { ...protocol, ...(fold === undefined ? {} : { fold }) }, options: run };
    const description = { model, preprocessing, labels: tinyLabels, training };
    const of = (fraction: number, seed?: number) => calibrationPictures(opened, { fraction, seed }, description);
    const kept = of(0.2);
    const paths = kept.dataset.samples.map(({ path }) => path);
    assert.deepEqual(
      paths,
      calibration?.samples.map(({ path }) => path),
    );
    const used = new Set([...train.samples, ...validation.samples].map(({ path }) => path));
    assert.ok(paths.every((path) => !used.has(path)));
    assert.equal(kept.note, undefined);
    const words = fold === undefined ? '' : ' without fold 2 of 4';
    assert.equal(kept.words, `20.0% held out of split 'train' of three${words}, seed 3`);
    // Another share, another seed, all of the split: the network has seen such pictures.
    const others = [of(0.3), of(0.2, 4), calibrationPictures(opened, undefined, description)];
    for (const { note, dataset } of others) {
      assert.match(note ?? '', /that they have seen they are surer than of others\.$/);
      assert.ok(dataset.samples.some(({ path }) => used.has(path)));
    }
    // Those that chose the best epoch, where no others were kept.
    const without = { ...training, options: { ...run, calibration: null } };
    const chosen = calibrationPictures(opened, { fraction: 0.15, seed: 3 }, { ...description, training: without });
    const openedWithout = await openData({ ...run, calibration: null });
    assert.equal(chosen.note, undefined);
    assert.deepEqual(
      chosen.dataset.samples.map(({ path }) => path),
      openedWithout.validation.samples.map(({ path }) => path),
    );
  }
});
