import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Augmentation, nanoAugmentation } from '../../image/index.js';
import { parsePosterV2Config } from '../../models/index.js';
import { scheduleOf } from '../../optim/index.js';
import { loadModel } from '../checkpoints/index.js';
import { type DataType, dataTypeLabels, dataTypes, optimizerOf, parseRun, parseStoredRun } from './options.js';
import { runFor } from './recipes.js';
import { noteVotes, openData } from './run-data.js';
import { augmentationOf, networkOf } from './run-network.js';

/** What arXiv 2301.12149 and its scripts say of each dataset. */
const published: Readonly<
  Record<
    Exclude<DataType, 'FERPlus'>,
    { lr: number; p: number; scale: [number, number]; sampling: 'shuffled' | 'balanced' }
  >
> = {
  'RAF-DB': { lr: 3.5e-5, p: 0.5, scale: [0.02, 0.1], sampling: 'shuffled' },
  'AffectNet-7': { lr: 1e-6, p: 1, scale: [0.05, 0.05], sampling: 'balanced' },
  'AffectNet-8': { lr: 1e-6, p: 1, scale: [0.05, 0.05], sampling: 'balanced' },
  'CAER-S': { lr: 4e-5, p: 1, scale: [0.05, 0.05], sampling: 'shuffled' },
};

describe('recipes', () => {
  for (const [name, wanted] of Object.entries(published)) {
    it(`${name}: exactly what is published`, () => {
      const dataType = dataTypes.find((known) => known === name) ?? 'FERPlus';
      const run = parseRun(runFor({ data: 'faces', given: { dataType } }));
      assert.equal(run.model, 'poster-v2');
      assert.equal(run.lr, wanted.lr);
      assert.equal(run.sampling, wanted.sampling);
      assert.equal(run.batchSize, 144);
      assert.equal(run.epochs, 200);
      assert.equal(run.rho, 0.05);
      assert.equal(run.targets, 'labels');
      assert.deepEqual([run.warmUp, run.ema, run.clip], [0, 0, 0]);
      const { type, weightDecay } = optimizerOf(run);
      assert.deepEqual([type, weightDecay], ['adam', 0]);
      assert.deepEqual(scheduleOf(run), { type: 'exponential', lr: wanted.lr, gamma: 0.98 });
      const expected: Augmentation = {
        flip: 0.5,
        rotation: 0,
        zoom: [1, 1],
        shift: 0,
        cropScale: [1, 1],
        brightness: 0,
        contrast: 0,
        gammaCorrection: 0,
        blur: 0,
        noise: 0,
        jpeg: 0,
        erasing: { probability: wanted.p, scale: wanted.scale, ratio: [0.3, 3.3] },
      };
      assert.deepEqual(augmentationOf(run), expected);
      // By default nothing of what the published code gets wrong.
      assert.equal(run['landmark'], 'frozen');
      assert.equal(run.valSplit, null);
    });
  }

  it('each setting gives way to an option', () => {
    const given = { dataType: 'AffectNet-7', lr: 1e-3, sampling: 'shuffled', epochs: 3, gamma: 0.9 } as const;
    const run = runFor({ data: 'faces', model: 'poster-v2-nano', given });
    assert.deepEqual([run.lr, run.sampling, run.epochs, run.model], [1e-3, 'shuffled', 3, 'poster-v2-nano']);
    assert.deepEqual(scheduleOf(run), { type: 'exponential', lr: 1e-3, gamma: 0.9 });
    const changed = augmentationOf({ ...run, flip: 0, erasing: 0.25, erasingScale: [0.1, 0.2], erasingRatio: [1, 1] });
    assert.equal(changed.flip, 0);
    assert.deepEqual(changed.erasing, { probability: 0.25, scale: [0.1, 0.2], ratio: [1, 1] });
    assert.equal(augmentationOf({ ...run, erasing: 0 }).erasing, null);
    const more = { cropScale: [0.83, 0.92], zoom: [1, 1.1], rotation: 0, blur: 0.1, jpeg: 0.2 } as const;
    assert.deepEqual(augmentationOf(parseRun({ ...run, ...more, flip: 0.5, erasing: 0 })), {
      ...nanoAugmentation,
      ...more,
      brightness: 0,
      contrast: 0,
      shift: 0,
    });
  });

  it('FER+ lays votes and its validation split over the recipe of either network', () => {
    const large = runFor({ data: 'faces', given: { dataType: 'FERPlus' } });
    assert.deepEqual(
      [large.model, large.lr, large.targets, large.valSplit],
      ['poster-v2', 3.5e-5, 'distribution', 'valid'],
    );
    const small = runFor({ data: 'faces', model: 'poster-v2-nano', given: { dataType: 'FERPlus', holdOut: 0.05 } });
    assert.deepEqual([small.lr, small.targets, small.valSplit], [1e-3, 'distribution', null]);
  });

  it('is told once what chooses the best epoch', () => {
    assert.throws(() => runFor({ data: 'faces', given: { valSplit: 'valid', holdOut: 0.3 } }), {
      kind: 'usage',
      settings: ['valSplit', 'holdOut'],
      message: /chosen on the split 'valid' or on what is held out of the training split; give one of them\.$/,
    });
    assert.equal(runFor({ data: 'faces', given: { valSplit: null, holdOut: 0.3 } }).holdOut, 0.3);
  });

  it('what counts where nothing is given for FER+ is what the bundled weights were trained by, but for what their last cycle says', async () => {
    const weights = fileURLToPath(new URL('../../../../weights/poster-v2-nano.safetensors', import.meta.url));
    const { training } = await loadModel(weights);
    const bundled = parseStoredRun(training?.options);
    // What says which data and which seed is no recipe.
    const { data, dataType, seed } = bundled;
    const recipe = runFor({ data, model: 'poster-v2-nano', given: { dataType: 'FERPlus' } });
    // The recipe begins with nothing; the weights went on from it (docs/results.md, "Longer training").
    const lastCycle = { epochs: 7, lr: 5e-4, schedule: 'cosine', warmUp: 0.25, microBatch: 32, calibration: 0.035 };
    const pictures = { blur: 0.1, noise: 0.02, jpeg: 0.1, cropScale: [0.83, 0.96] };
    const teacher = ['poster-v2-nano.safetensors'];
    assert.deepEqual({ ...recipe, dataType, seed, ...lastCycle, ...pictures, teacher }, bundled);
  });

  it('as published: moving statistics, whole batches, the reported split, and decay and momentum ignored', () => {
    const given = { dataType: 'RAF-DB', asPublished: true, weightDecay: 0.1, momentum: 0.5 } as const;
    const run = parseRun(runFor({ data: 'faces', given, reportedSplit: 'test' }));
    assert.deepEqual(
      [run['landmark'], run.valSplit, run.microBatch, run.weightDecay],
      ['as-published', 'test', run.batchSize, 0],
    );
    const sgd = runFor({ data: 'faces', given: { ...given, optimizer: 'sgd' } });
    assert.deepEqual([sgd.momentum, sgd.weightDecay], [0, 0]);
    const adamw = runFor({ data: 'faces', given: { ...given, optimizer: 'adamw' } });
    assert.deepEqual([adamw.weightDecay, adamw.decay], [0.01, 'all']);
    const own = runFor({ data: 'faces', given: { ...given, optimizer: 'adamw', decay: 'matrices' } });
    assert.equal(own.decay, 'matrices');
    const less = runFor({ data: 'faces', given: { ...given, microBatch: 4, landmark: 'frozen', valSplit: 'valid' } });
    assert.deepEqual([less.microBatch, less['landmark'], less.valSplit], [4, 'frozen', 'valid']);
  });

  it('lists that cannot be used are told in a sentence', () => {
    const parse = (given: Readonly<Record<string, unknown>>) => () =>
      parseRun({ ...runFor({ data: 'faces' }), ...given });
    for (const scales of [[4], [Number.NaN], [], [2, 2]]) {
      assert.throws(
        parse({ scales }),
        /^UserError: The value of scales cannot be used: it must be some of 1, 2 and 3, each/,
      );
    }
    for (const erasingScale of [[0.5], [0, 0.5], [0.1, Number.NaN], [0.1, 0.2, 0.3]]) {
      assert.throws(
        parse({ erasingScale }),
        /value of erasingScale cannot be used: it must be two numbers above 0, the smaller/,
      );
    }
    assert.throws(
      parse({ erasingRatio: [Number.NaN, 1] }),
      /value of erasingRatio cannot be used: it must be two numbers/,
    );
    for (const windows of [[7], [7, 7, 0.5], [7, 7, 0]]) {
      assert.throws(parse({ windows }), /value of windows cannot be used: it must be three whole numbers from 1/);
    }
    assert.deepEqual(parse({ scales: [3, 2], erasingScale: [0.1, 0.1], windows: [14, 7, 7] })()['windows'], [14, 7, 7]);
  });

  it('stochastic depth falls to half at the second scale and to none at the first', () => {
    const run = runFor({ data: 'faces', model: 'poster-v2', given: { dropPath: 0.5 } });
    const config = parsePosterV2Config(networkOf(run, dataTypeLabels['RAF-DB']).network.config);
    assert.deepEqual(
      config.attention.map(({ dropPath }) => dropPath),
      [0, 0.25, 0.5],
    );
  });
});

describe("a recipe's classes", () => {
  let dir = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'poster-recipes-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  /** Opens a dataset of these class folders; pictures are listed, not read. */
  async function open(folders: readonly string[], dataType: DataType) {
    const data = await mkdtemp(join(dir, 'faces-'));
    for (const folder of folders) {
      await mkdir(join(data, 'train', folder), { recursive: true });
      for (const name of ['0.png', '1.png']) await writeFile(join(data, 'train', folder, name), '');
    }
    return openData(runFor({ data, given: { dataType, valSplit: null } }));
  }

  it('are learned from votes where there are some, and it is said where there are none', async () => {
    const { train } = await open(['1', '2', '3', '4', '5', '6', '7'], 'RAF-DB');
    const base = runFor({ data: 'faces', given: { targets: 'distribution' } });
    assert.match(
      noteVotes(base, train) ?? '',
      /7 of the 7 training pictures have none in votes\.jsonl of split 'train'/,
    );
    const voted = train.samples.map((sample) => ({ ...sample, distribution: new Float32Array(7).fill(1 / 7) }));
    assert.match(noteVotes(base, { ...train, samples: [...voted, ...train.samples.slice(0, 3)] }) ?? '', /3 of the 10/);
    assert.equal(noteVotes(base, { ...train, samples: voted }), undefined);
    assert.equal(noteVotes({ ...base, targets: 'labels' }, train), undefined);
    const smoothed = { ...base, labelSmoothing: 0.1 };
    assert.match(noteVotes(smoothed, { ...train, samples: voted }) ?? '', /label smoothing changes nothing/);
    assert.match(noteVotes(smoothed, train) ?? '', /their labels are learned/);
  });

  it('names numbered folders', async () => {
    const { labels, train } = await open(['1', '2', '3', '4', '5', '6', '7'], 'RAF-DB');
    assert.deepEqual(labels, dataTypeLabels['RAF-DB']);
    assert.deepEqual(
      train.samples.map(({ label }) => label),
      [0, 1, 2, 3, 4, 5, 6],
    );
  });

  it('takes folders by name in the published order', async () => {
    const { train } = await open(['0-anger', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'], 'AffectNet-7');
    assert.deepEqual(
      train.samples.map(({ label }) => label),
      [6, 5, 4, 1, 0, 2, 3],
    );
  });

  it('are compared with the dataset', async () => {
    const seven = ['anger', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'];
    await assert.rejects(
      open(seven, 'AffectNet-8'),
      /does not have the 8 classes of AffectNet-8 \(it lacks Contempt\)/,
    );
    await assert.rejects(open([...seven, 'contempt'], 'RAF-DB'), /7 classes of RAF-DB \(it has contempt besides\)/);
    await assert.rejects(open([...seven.slice(1), 'awe'], 'RAF-DB'), /\(it has awe besides and it lacks Anger\)/);
    await assert.rejects(open(['0', '1', '2'], 'CAER-S'), /\(3 numbered class folders for 7 classes\)/);
  });
});
