import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { LabelSet } from '../../common/labels.js';
import type { ModelDescription, TrainState } from '../../safetensors/index.js';
import { saveModel } from '../checkpoints/index.js';
import { type Dataset, loadDataset } from '../datasets/index.js';
import { digestOf } from './data-digest.js';
import { runFor } from './recipes.js';
import { carryOver, checkData, checkState } from './resume.js';

const faces: LabelSet = { name: 'faces', labels: ['happy', 'sad'] };
const description: ModelDescription = {
  model: { name: 'poster-v2-nano', config: {} },
  labels: faces,
  preprocessing: { imageSize: 8, channels: 1, mean: [0], std: [1] },
};
const run = { ...runFor({ data: 'elsewhere' }), epochs: 4, batchSize: 4 };
const best = { epoch: 1, metric: 'accuracy', value: 0.75 };
const state: TrainState = {
  ...{ epoch: 3, nextBatch: 1, step: 10, seed: 0, config: {}, accumulators: {}, best },
  optimizer: { name: run.optimizer, steps: 10, scalars: {}, slots: new Map() },
};
const stored = { model: { ...description, parameters: new Map() }, state };

let dir = '';
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-resume-'));
});
after(() => rm(dir, { recursive: true, force: true }));

/** A run's folder whose best weights are of this epoch, from 1. */
async function folder(name: string, epoch: number): Promise<string> {
  const path = join(dir, name);
  await mkdir(path);
  const record = { command: '', seed: 0, epoch, metrics: { accuracy: 0.75 }, dataset: '', versions: {} };
  await saveModel(join(path, 'best.safetensors'), { ...stored.model, training: record });
  await writeFile(join(path, 'metrics.jsonl'), '{"event":"start"}\n');
  await writeFile(
    join(path, 'run.json'),
    JSON.stringify({ format: 1, pictures: { train: 12, validation: 2 }, init: [], sessions: [] }),
  );
  return path;
}

describe('a run that goes on', () => {
  it('in another folder takes its best weights and its history along', async () => {
    const from = await folder('whole', 2);
    const to = await mkdtemp(join(dir, 'to-'));
    assert.equal(await carryOver(join(from, 'last.safetensors'), to, best), true);
    for (const name of ['best.safetensors', 'metrics.jsonl', 'run.json']) {
      assert.deepEqual(await readFile(join(to, name)), await readFile(join(from, name)), name);
    }
  });

  it('knows when the best weights are missing, or of another epoch', async () => {
    const alone = await mkdtemp(join(dir, 'alone-'));
    assert.equal(await carryOver(join(alone, 'last.safetensors'), alone, best), false);
    const other = await folder('other', 3);
    const to = await mkdtemp(join(dir, 'to-'));
    assert.equal(await carryOver(join(other, 'last.safetensors'), to, best), false);
    assert.deepEqual((await readdir(to)).sort(), ['metrics.jsonl', 'run.json']);
  });

  it('does not write over the best weights of another run', async () => {
    const from = await folder('mine', 2);
    const to = await folder('theirs', 7);
    const before = await readFile(join(to, 'best.safetensors'));
    const message = /theirs[/\\]best\.safetensors would be written over; move it away/;
    for (const own of [best, undefined]) {
      await assert.rejects(carryOver(join(from, 'last.safetensors'), to, own), { name: 'UserError', message });
    }
    assert.deepEqual(await readFile(join(to, 'best.safetensors')), before);
    // Its own, where copying was broken off before.
    const again = await folder('again', 2);
    assert.equal(await carryOver(join(from, 'last.safetensors'), again, best), true);
  });

  it('does so on data that was moved, but not on other data', async () => {
    const data = (count: number, labels = faces) => {
      const samples = Array.from({ length: count }, (_, i) => ({ path: `${i}.png`, label: i % 2, majority: true }));
      const train: Dataset = { root: 'moved', split: 'train', labels, samples };
      return { labels, train, validation: train, calibration: undefined, validationName: '' };
    };
    const path = join(await folder('counted', 2), 'last.safetensors');
    const digest = { train: 'a', validation: 'b' };
    assert.match(
      (await checkData(stored, run, data(12, { ...faces, name: 'moved' }), digest, path)) ?? '',
      /early version/,
    );
    await assert.rejects(
      checkData(stored, run, data(13), digest, path),
      /trained on 12 pictures, and elsewhere has 13/,
    );
    const turned = { name: 'faces', labels: ['sad', 'happy'] };
    await assert.rejects(
      checkData(stored, run, data(12, turned), digest, path),
      /the classes happy, sad, and elsewhere has sad/,
    );
    // What the state alone shows: ten updates are too many for two batches an epoch.
    await assert.rejects(
      checkData(stored, run, data(8), digest, join(dir, 'last.safetensors')),
      /another number of pictures.* has 8/s,
    );
  });

  it('knows its pictures by more than their number, wherever they lie', async () => {
    const write = async (name: string, files: Readonly<Record<string, string>>): Promise<string> => {
      const root = join(dir, name);
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(root, path)), { recursive: true });
        await writeFile(join(root, path), content);
      }
      return root;
    };
    const opened = async (root: string) => {
      const of = (split: string) => loadDataset(root, split, { labels: faces });
      const [train, validation] = [await of('train'), await of('valid')];
      return { labels: faces, train, validation, calibration: undefined, validationName: '' };
    };
    const files = {
      ...{ 'train/happy/e\u0301.png': 'abc', 'train/happy/b.png': 'ab', 'train/sad/a.png': 'a' },
      ...{ 'valid/happy/a.png': 'a', 'valid/sad/a.png': 'a' },
    };
    const data = await opened(await write('home', files));
    const known = { ...stored, state: { ...state, step: 1, epoch: 1, data: await digestOf(data, 'labels') } };
    const check = async (name: string, changed: Readonly<Record<string, string>>) => {
      const other = await opened(await write(name, changed));
      return checkData(known, run, other, await digestOf(other, 'labels'), 'last');
    };
    assert.equal(await check('elsewhere', files), undefined);
    const { 'train/happy/e\u0301.png': accent, ...plain } = files;
    assert.equal(await check('composed', { ...plain, 'train/happy/\u00e9.png': accent }), undefined);
    const trained = /The pictures that the run was trained on are not those of/;
    await assert.rejects(check('renamed', { ...plain, 'train/happy/c.png': accent }), trained);
    await assert.rejects(check('grown', { ...files, 'train/sad/a.png': 'aa' }), trained);
    const { 'train/happy/b.png': moved, ...rest } = files;
    await assert.rejects(check('relabelled', { ...rest, 'train/sad/b.png': moved }), trained);
    await assert.rejects(
      check('others', { ...files, 'valid/sad/a.png': 'aa' }),
      /The pictures that the run chooses its best epoch on are not those of/,
    );
    // Votes count where they are learned.
    const voted = {
      ...data,
      train: {
        ...data.train,
        samples: data.train.samples.map((one) => ({ ...one, distribution: Float32Array.of(0.9, 0.1) })),
      },
    };
    assert.deepEqual(await digestOf(voted, 'labels'), await digestOf(data, 'labels'));
    assert.notEqual((await digestOf(voted, 'distribution')).train, (await digestOf(data, 'distribution')).train);
  });

  it('is not beyond its last epoch', () => {
    checkState(stored, run, 'last');
    assert.throws(
      () => checkState(stored, { ...run, epochs: 3 }, 'last'),
      /is in epoch 4, beyond the 3 epochs asked for; give/,
    );
    const ended = { ...stored, state: { ...state, nextBatch: 0 } };
    checkState(ended, { ...run, epochs: 3 }, 'last');
    assert.throws(
      () => checkState(ended, { ...run, epochs: 2 }, 'last'),
      /has 3 epochs behind it, beyond the 2 epochs/,
    );
  });
});
