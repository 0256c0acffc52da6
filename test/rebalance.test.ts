import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { UserError } from '../src/common/errors.js';
import { itemAt } from '../src/common/item-at.js';
import { random } from '../src/common/random.js';
import { logSoftmax } from '../src/metrics/index.js';
import { readDescription, readSafetensors, saveModel, writeSafetensors } from '../src/node/checkpoints/index.js';
import { convert } from '../src/node/convert/index.js';
import { calibrate } from '../src/node/measure/calibrate.js';
import { evaluateOn } from '../src/node/measure/evaluate.js';
import { classWeights, rebalance } from '../src/node/measure/rebalance.js';
import { loadClassifier } from '../src/recognize/classifier.js';
import { temporaryFolder, tinyCheckpoint, tinyLabels, writePictures } from '../src/recognize/helpers.test.js';
import { Recognizer } from '../src/recognize/recognizer.js';
import { descriptionKey, type Preference, rareHead, type TemperatureRecord } from '../src/safetensors/index.js';
import { apart, fails, succeeds } from './support/cli.js';

const record: TemperatureRecord = { format: 1, value: 0.5, targets: 'labels', pictures: 9, dataset: 'faces' };
const images = Float32Array.from({ length: 3 * 256 }, (_, i) => random(1, i).normal());

/** A tiny network with a temperature and two heads, and a dataset whose classes are not equally frequent. */
async function twoHeads(folder: string): Promise<string> {
  const path = join(folder, 'both.safetensors');
  await saveModel(path, { ...tinyCheckpoint(), temperature: record });
  const data = join(folder, 'faces', 'train');
  await writePictures(data, ['happy', 'neutral'], 6);
  await writePictures(data, ['sad'], 2);
  await rebalance(path, join(folder, 'faces'), { split: 'train', share: 0.5 });
  return path;
}

async function logitsOf(checkpoint: string, prefer: Preference): Promise<Float32Array> {
  const classifier = await loadClassifier(checkpoint, { threads: 1, prefer });
  const { logits } = await classifier.classify(images, 3);
  await classifier.dispose();
  return logits;
}

const near = (a: ArrayLike<number>, b: ArrayLike<number>, most = 1e-5): void => {
  assert.equal(a.length, b.length);
  Array.from(a).forEach((value, i) => {
    assert.ok(Math.abs(value - (b[i] ?? Number.NaN)) < most, `${value} is not ${b[i]}`);
  });
};

const refuses = (work: Promise<unknown>, sentence: RegExp): Promise<void> =>
  assert.rejects(work, (error) => error instanceof UserError && sentence.test(error.message));

test('classes are weighted by what a right picture of theirs is worth', () => {
  const counts = [60, 30, 10];
  assert.deepEqual(classWeights(counts, 1, tinyLabels.labels), [100 / 180, 100 / 90, 100 / 30]);
  const half = classWeights(counts, 0.5, tinyLabels.labels);
  // Half of accuracy and half of the mean of recalls, of right pictures of each class.
  const right = [50, 20, 3];
  const worth = right.reduce((sum, n, k) => sum + n * (half[k] ?? 0), 0) / 100;
  const [accuracy, mean] = [73 / 100, (50 / 60 + 20 / 30 + 3 / 10) / 3];
  assert.ok(Math.abs(worth - (accuracy + mean) / 2) < 1e-12);
  assert.throws(() => classWeights([1, 0, 1], 0.5, tinyLabels.labels), /no picture of neutral/);
});

test('a second head multiplies probabilities, on the same features, and only where it is preferred', async (t) => {
  const folder = await temporaryFolder(t);
  const path = await twoHeads(folder);
  const plain = join(folder, 'plain.safetensors');
  await saveModel(plain, { ...tinyCheckpoint(), temperature: record });
  const own = await logitsOf(path, 'accuracy');
  assert.deepEqual(own, await logitsOf(plain, 'accuracy'));
  const weights = classWeights([6, 6, 2], 0.5, tinyLabels.labels);
  near(
    await logitsOf(path, 'rare'),
    own.map((value, i) => value + Math.log(weights[i % 3] ?? 0)),
  );
  const { heads } = await readDescription(path);
  assert.equal(heads?.rare?.share, 0.5);
  assert.deepEqual(heads.rare.temperature, record);

  await writePictures(folder, ['one'], 1);
  const recognizer = await Recognizer.load({ checkpoint: path, aligned: true, threads: 1, prefer: 'rare' });
  const { faces } = await recognizer.recognize(join(folder, 'one', '0.png'));
  await recognizer.dispose();
  assert.equal(faces[0]?.scores.length, 3);
});

test('conversions take the head that is chosen; safetensors keep both', async (t) => {
  const folder = await temporaryFolder(t);
  const path = await twoHeads(folder);
  const [own, rare] = [await logitsOf(path, 'accuracy'), await logitsOf(path, 'rare')];
  await convert(path, join(folder, 'again.safetensors'), { precision: 'F16' });
  near(await logitsOf(join(folder, 'again.safetensors'), 'rare'), rare, 1e-2);
  for (const [name, to] of [
    ['m.pth', 'pth'],
    ['hub/', 'huggingface'],
    ['one.safetensors', 'safetensors'],
  ] as const) {
    const out = join(folder, name);
    await convert(path, out, { to, prefer: 'rare' });
    near(await logitsOf(out, 'accuracy'), rare);
    await refuses(logitsOf(out, 'rare'), /no head that prefers rare classes/);
  }
  const { notes } = await convert(path, join(folder, 'own.pth'));
  assert.match(notes.map(({ sentence }) => sentence).join(), /rare classes is left behind/);
  near(await logitsOf(join(folder, 'own.pth'), 'accuracy'), own);
});

test('calibrating gives each head a temperature of its own', async (t) => {
  const folder = await temporaryFolder(t);
  const path = await twoHeads(folder);
  const data = join(folder, 'faces');
  const raw = await loadClassifier(path, { threads: 1, raw: true });
  const { measured } = await evaluateOn(raw, data, { split: 'train', workers: 0 });
  await raw.dispose();
  await writeFile(join(data, 'dataset.json'), JSON.stringify(tinyLabels));
  /** Votes that the network's own head gives at a temperature. */
  const voteAt = (temperature: number): Promise<void> => {
    const line = (picture: string, i: number): string => {
      const logits = measured.logits.data.subarray(3 * i, 3 * i + 3);
      const votes = logSoftmax(logits.map((value) => value / temperature)).map(Math.exp);
      return `${JSON.stringify({ image: picture.replace('train/', ''), majority: true, votes })}\n`;
    };
    return writeFile(join(data, 'train', 'votes.jsonl'), measured.paths.map(line).join(''));
  };
  await voteAt(0.7);
  const out = join(folder, 'calibrated.safetensors');
  const options = { split: 'train', out, workers: 0, targets: 'distribution', network: { threads: 1 } } as const;
  const { record: own, rare, notes } = await calibrate(path, data, options);
  assert.ok(Math.abs(own.value - 0.7) < 1e-3, `${own.value}`);
  assert.ok(rare !== undefined && Math.abs(rare.record.value - 0.7) > 1e-2);
  const { temperature, heads } = await readDescription(out);
  assert.deepEqual([temperature, heads?.rare?.temperature], [own, rare.record]);
  assert.deepEqual(notes, []);
  // The head was made at 0.5. At each temperature it multiplies probabilities by the same, also when it has had several.
  const weights = classWeights([6, 6, 2], 0.5, tinyLabels.labels);
  const multiplies = async (value: number): Promise<void> => {
    const probabilities = await logitsOf(out, 'accuracy');
    const logits = await headLogits(out, value);
    near(
      Array.from(logits, (logit, i) => logit - itemAt(probabilities, i)),
      Array.from(logits, (_, i) => Math.log(itemAt(weights, i % 3))),
      1e-4,
    );
  };
  await multiplies(own.value);
  await voteAt(0.6);
  const again = await calibrate(out, data, options);
  assert.ok(Math.abs(again.record.value - 0.6) < 1e-3, `${again.record.value}`);
  await multiplies(again.record.value);
});

/** What the head for rare classes says at the temperature of the network's own. */
async function headLogits(checkpoint: string, temperature: number): Promise<Float32Array> {
  const classifier = await loadClassifier(checkpoint, { threads: 1, prefer: 'rare', raw: true });
  const { logits } = await classifier.classify(images, 3);
  await classifier.dispose();
  return logits.map((value) => value / temperature);
}

test('heads that are not there, or cannot be, are refused in a sentence', async (t) => {
  const folder = await temporaryFolder(t);
  const path = await twoHeads(folder);
  const { metadata, tensors } = await readSafetensors(path);
  const document = z.record(z.string(), z.unknown()).parse(JSON.parse(metadata.get(descriptionKey) ?? ''));
  const hostile = join(folder, 'hostile.safetensors');
  const written = async (change: object, without = ''): Promise<string> => {
    const kept = new Map([...tensors].filter(([name]) => name !== without));
    await writeSafetensors(hostile, kept, new Map([[descriptionKey, JSON.stringify({ ...document, ...change })]]));
    return hostile;
  };
  const rare = { format: 1, share: 0.5, dataset: 'faces' };
  for (const heads of [
    7,
    [],
    { rare: 1 },
    { rare: { ...rare, share: 2 } },
    { rare: { ...rare, format: 9 } },
    { rare: { ...rare, temperature: 1 } },
  ]) {
    await refuses(logitsOf(await written({ heads }), 'accuracy'), /at heads/);
  }
  await refuses(logitsOf(await written({}, rareHead.bias), 'rare'), /lacks heads\/rare\/bias/);
  await refuses(logitsOf(await written({ heads: {} }), 'rare'), /no head that prefers rare classes/);
  const bias = tensors.get(rareHead.bias);
  assert.ok(bias !== undefined);
  const { data } = bias;
  for (const [shape, bytes, sentence] of [
    [[2], data.subarray(0, 8), /is \[2\] instead of \[3\]/],
    [[3], new Uint8Array(Float32Array.of(1, Number.NaN, 0).buffer), /finite/],
  ] as const) {
    const changed = new Map([...tensors, [rareHead.bias, { ...bias, shape, data: bytes }]]);
    await writeSafetensors(hostile, changed, metadata);
    await refuses(logitsOf(hostile, 'rare'), sentence);
    assert.equal((await logitsOf(hostile, 'accuracy')).length, 9);
  }
});

test('poster rebalance and --prefer rare', { timeout: 300_000 }, async (t) => {
  const folder = await temporaryFolder(t);
  await twoHeads(folder);
  await saveModel(join(folder, 'plain.safetensors'), tinyCheckpoint());
  const rebalanced = ['rebalance', '--checkpoint', 'plain.safetensors', '--data', 'faces', '--out', 'new.safetensors'];
  const { stdout } = await succeeds([...rebalanced, '--share', '0.3'], folder, apart);
  assert.match(stdout, /sad +2 +1\.40/);
  const evaluate = [
    'evaluate',
    '--data',
    'faces',
    '--split',
    'train',
    '--workers',
    '0',
    '--threads',
    '1',
    '--prefer',
    'rare',
  ];
  const measured = await succeeds([...evaluate, '--checkpoint', 'new.safetensors'], folder);
  assert.match(measured.stdout, /The head that prefers rare classes decided/);
  await fails(
    [...evaluate, '--checkpoint', 'plain.safetensors'],
    folder,
    3,
    /no head that prefers rare classes.*--prefer/,
  );
});
