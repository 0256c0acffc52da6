import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { bundledCheckpoint } from '../src/node/host/bundled-weights.js';
import { fails, succeeds, writeClasses } from './support/cli.js';

const classes = ['happy', 'neutral', 'sad'];
let dir = '';

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-protocol-'));
  await writeClasses(join(dir, 'faces', 'train'), classes, 5);
  await writeClasses(join(dir, 'other', 'test'), ['Contempt', 'Happiness', 'Sadness'], 2);
});
after(() => rm(dir, { recursive: true, force: true }));

const device = ['--device', 'cpu', '--threads', '2'];
const measuring = [...device, '--workers', '0'];
const work = [...measuring, '--no-tensorboard'];
const figures = z.object({ samples: z.number(), accuracy: z.number(), macroF1: z.number(), ece: z.number() });
const folds = z.array(z.object({ fold: z.number(), checkpoint: z.string(), figures }));
const json = async <T>(args: readonly string[], schema: z.ZodType<T>): Promise<T> =>
  schema.parse(JSON.parse((await succeeds([...args, '--json'], dir)).stdout));

describe('cross-validation', () => {
  const results = z.object({
    folds,
    interrupted: z.boolean(),
    skipped: z.array(z.object({ path: z.string(), reason: z.string() })),
    spread: z.object({ accuracy: z.object({ mean: z.number() }) }),
  });
  let whole: z.infer<typeof results>;

  it('trains and measures each fold, every picture held out once', async () => {
    const small = ['--model', 'resnet8'];
    const run = [...small, '--folds', '2', '--epochs', '1', '--batch-size', '4', '--seed', '3', '--out', 'cv'];
    whole = await json(['train', '--data', 'faces', ...run, ...work], results);
    assert.equal(whole.interrupted, false);
    assert.deepEqual(
      whole.folds.map(({ fold, figures: { samples } }) => [fold, samples]),
      [
        [1, 8],
        [2, 7],
      ],
    );
    const [first, second] = whole.folds.map((one) => one.figures.accuracy);
    assert.equal(whole.spread.accuracy.mean, ((first ?? 0) + (second ?? 0)) / 2);
    // The weights say themselves which fold they never saw.
    const checkpoints = whole.folds.map(({ checkpoint }) => checkpoint);
    const { stdout } = await succeeds(
      ['evaluate', '--data', 'faces', '--folds', '2', '--json', '--checkpoint', ...checkpoints, ...measuring],
      dir,
    );
    const measured = z.object({ checkpoints: z.array(z.object({ samples: z.number(), accuracy: z.number() })) });
    assert.deepEqual(
      measured.parse(JSON.parse(stdout)).checkpoints,
      whole.folds.map(({ figures: { samples, accuracy } }) => ({ samples, accuracy })),
    );
  });

  it('goes on where it was cut off, to the same figures', async () => {
    // As if killed before the second fold was begun.
    const path = join(dir, 'cv', 'cross-validation.json');
    const finished = await readFile(path, 'utf8');
    const plan = z.looseObject({ done: z.array(z.unknown()) }).parse(JSON.parse(finished));
    await writeFile(path, JSON.stringify({ ...plan, done: plan.done.slice(0, 1) }));
    await rm(join(dir, 'cv', 'fold-2'), { recursive: true });
    const { stdout } = await succeeds(['train', '--resume', 'cv', ...work], dir);
    assert.equal(await readFile(path, 'utf8'), finished);
    assert.match(stdout, /^fold +pictures +accuracy %/m);
    assert.match(stdout, /^deviation( +[\d.]+){5}$/m);
  });

  it('leaves nothing where it could not begin', async () => {
    const train = ['train', '--data', 'faces', '--folds', '2', '--out', 'none', ...work];
    await fails([...train, '--init', 'missing.safetensors'], dir, 3, /missing\.safetensors: there is no/);
    assert.ok(!(await readdir(dir)).includes('none'));
  });

  it('says what cannot be', async () => {
    const train = ['train', '--data', 'faces', ...device];
    await fails([...train, '--folds', '2', '--out', 'cv'], dir, 2, /already holds a cross-validation.*resume from cv/);
    await fails([...train, '--fold', '1'], dir, 2, /--fold 1 of how many/);
    await fails(['train', '--resume', 'cv', '--epochs', '5', ...device], dir, 2, /trained alike, and --epochs was 1/);
    const one = ['train', '--resume', 'cv/fold-1/last.safetensors', '--epochs', '5', ...work];
    await fails(one, dir, 2, /cv.fold-1 is a run of a cross-validation, whose runs have the same number of epochs/);
    await fails(['train', '--data', 'faces', '--out', 'cv', ...work], dir, 2, /cv holds a cross-validation; choose/);
    // Without its plan, what is left is no part of another one.
    await mkdir(join(dir, 'left', 'fold-2'), { recursive: true });
    await copyFile(join(dir, 'cv', 'fold-2', 'last.safetensors'), join(dir, 'left', 'fold-2', 'last.safetensors'));
    const left = ['--folds', '2', '--lr', '0.5', '--out', 'left', ...work];
    await fails(['train', '--data', 'faces', ...left], dir, 2, /left.fold-2 already holds a run/);
    assert.deepEqual(await readdir(join(dir, 'left')), ['fold-2']);
  });

  it('measures several weights at once', async () => {
    const { stdout } = await succeeds(
      [
        'evaluate',
        '--data',
        'faces',
        '--split',
        'train',
        '--workers',
        '0',
        '--flip',
        '--checkpoint',
        'cv/fold-1/best.safetensors',
        'cv/fold-2/best.safetensors',
      ],
      dir,
    );
    assert.match(stdout, /^mean +[\d.]+/m);
    assert.match(stdout, /^Protocol of cv\/fold-1\/best\.safetensors$/m);
    assert.match(stdout, /mean of the probabilities of the picture and its mirror image/);
    assert.match(stdout, /without fold 2 of 2: pictures measured here are among those/);
  });
});

describe('several weights, of which one cannot be measured', () => {
  it('are refused before the first is', async () => {
    await writeFile(join(dir, 'none.safetensors'), 'no weights');
    const own = join('cv', 'fold-1', 'best.safetensors');
    const refused = async (wrong: string, sentence: RegExp, ...more: readonly string[]): Promise<void> => {
      const args = ['evaluate', '--data', 'faces', '--split', 'train', '--checkpoint', own, wrong];
      const { stderr } = await fails([...args, ...more, ...device], dir, 3, sentence);
      // What is measured is named.
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    };
    await refused('typo.safetensors', /Cannot read typo\.safetensors/);
    await refused('none.safetensors', /none\.safetensors/);
    await refused(bundledCheckpoint(), /the data lacks/);
    await refused(join('cv', 'fold-2'), /has no head that prefers rare classes/, '--prefer', 'rare');
  });
});

describe('weights on data with other expressions', () => {
  const evaluate = ['evaluate', '--data', 'other', '--checkpoint', 'cv/fold-1/best.safetensors', ...measuring];

  it('are refused in one sentence that says what to do', async () => {
    await fails(
      evaluate,
      dir,
      3,
      /do not know Contempt and the data lacks neutral; .*map the labels .*\(--map-labels\)/,
    );
  });

  it('are measured when asked for, and all that is done is said', async () => {
    const document = z.object({
      samples: z.number(),
      labels: z.object({ labels: z.array(z.string()) }),
      crossEntropy: z.number().nullable(),
      protocol: z.object({
        checkpoint: z.string(),
        labels: z.object({ relation: z.string(), unknown: z.unknown(), absent: z.unknown() }),
        deviations: z.array(z.string()),
      }),
    });
    const wrong = await json([...evaluate, '--map-labels'], document);
    assert.deepEqual([wrong.samples, wrong.labels.labels, wrong.crossEntropy], [6, [...classes, 'Contempt'], null]);
    assert.deepEqual(wrong.protocol.labels, {
      relation: 'mapped',
      unknown: { labels: ['Contempt'], treatment: 'wrong', pictures: 2 },
      absent: { labels: ['neutral'], treatment: 'keep' },
    });
    await fails(
      [...evaluate, '--map-labels', '--csv', 'no/all.csv'],
      dir,
      3,
      /no\/all\.csv: the folder no does not exist/,
    );
    const choices = ['--unknown', 'leave-out', '--absent', 'remove'];
    const out = await json([...evaluate, ...choices, '--csv', 'all.csv'], document);
    assert.match(
      await readFile(join(dir, 'all.csv'), 'utf8'),
      /^test\/Sadness\/1\.png,sad,(happy|sad),[\d.]+,0,[\d.]+$/m,
    );
    assert.deepEqual([out.samples, out.labels.labels], [4, classes]);
    assert.ok(out.crossEntropy !== null);
    assert.equal(out.protocol.deviations.length, 2);
    const { stdout } = await succeeds([...evaluate, '--unknown', 'leave-out'], dir);
    assert.match(stdout, /^ {4}The weights do not know Contempt: 2 pictures were left out\.$/m);
    assert.match(stdout, /^ {4}The data has no neutral: choosing it counted as a mistake\.$/m);
    assert.match(stdout, /^ {2}weights: faces, trained on split 'train', best epoch chosen on 10% held out/m);
  });
});
