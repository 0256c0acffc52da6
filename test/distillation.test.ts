import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { UserError } from '../src/common/errors.js';
import { itemAt } from '../src/common/item-at.js';
import { argmax } from '../src/metrics/index.js';
import {
  loadModel,
  loadParameters,
  loadTrainState,
  readSafetensors,
  saveModel,
  writeSafetensors,
} from '../src/node/checkpoints/index.js';
import { createLoader, loadDataset } from '../src/node/datasets/index.js';
import { parseRun, parseStoredRun, type RunOptions } from '../src/node/runs/options.js';
import { runFor } from '../src/node/runs/recipes.js';
import { runFileSchema } from '../src/node/runs/run-document.js';
import { train } from '../src/node/runs/train.js';
import { loadClassifier } from '../src/recognize/index.js';
import type { ModelCheckpoint } from '../src/safetensors/index.js';
import { fails, succeeds, writeClasses } from './support/cli.js';

// Networks that learn from networks: `poster train --teacher`, from a trained ResNet-8 to others.

const labels = ['happy', 'neutral', 'sad'];
let dir: string;
const at = (...names: readonly string[]): string => join(dir, ...names);
const job = { device: 'cpu', threads: 1, workers: 0, strict: true, saveEvery: 300, command: '' } as const;

function runOf(given: Partial<RunOptions> = {}): RunOptions {
  const settings = { epochs: 2, batchSize: 6, microBatch: 3, holdOut: 0.2, augmentation: 'none', seed: 3 } as const;
  return parseRun(runFor({ data: at('faces'), model: 'resnet8', given: { ...settings, ...given } }));
}

/** Probabilities of all training pictures, in the order of `labels`. */
async function probabilitiesOf(path: string): Promise<Float32Array[]> {
  const classifier = await loadClassifier(path, { threads: 1 });
  const { preprocessing } = classifier;
  const loader = createLoader(await loadDataset(at('faces'), 'train'), { preprocessing, batchSize: 18, workers: 0 });
  const order = labels.map((label) => classifier.labels.labels.indexOf(label));
  const rows: Float32Array[] = [];
  for await (const { images, size } of loader.epoch(0)) {
    const { probabilities } = await classifier.classify(images, size);
    for (let at = 0; at < probabilities.length; at += labels.length) {
      rows.push(Float32Array.from(order, (c) => itemAt(probabilities, at + c)));
    }
  }
  await loader.close();
  await classifier.dispose();
  return rows;
}

/** How often two networks choose the same expression, and how far their probabilities are apart. */
async function agreement(one: string, other: string): Promise<{ readonly same: number; readonly distance: number }> {
  const [a, b] = [await probabilitiesOf(one), await probabilitiesOf(other)];
  let [same, distance] = [0, 0];
  for (const [n, row] of a.entries()) {
    const twin = itemAt(b, n);
    same += Number(argmax(row) === argmax(twin));
    distance += row.reduce((sum, p, c) => sum + Math.abs(p - itemAt(twin, c)), 0);
  }
  return { same: same / a.length, distance: distance / a.length };
}

const recordIn = async (out: string): Promise<Readonly<Record<string, unknown>>> =>
  JSON.parse(await readFile(at(out, 'run.json'), 'utf8')) as Record<string, unknown>;
const sha256 = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-distillation-'));
  await writeClasses(at('faces', 'train'), labels, 6);
  await train({ ...job, run: runOf({ epochs: 6, ema: 0 }), out: at('teacher') });
  const teacher = await loadModel(at('teacher/last.safetensors'));
  const save = (name: string, change: Partial<ModelCheckpoint>): Promise<void> =>
    saveModel(at(name), { ...teacher, ...change });
  // Labels that turn what it says: it is wrong about every picture.
  await save('turned.safetensors', { labels: { name: 'turned', labels: ['neutral', 'sad', 'happy'] } });
  await save('fearful.safetensors', { labels: { name: 'faces', labels: ['happy', 'neutral', 'fear'] } });
  await save('larger.safetensors', largerColour(teacher));
  const broken = new Map(teacher.parameters);
  const bias = broken.get('fc.bias');
  assert.ok(bias !== undefined);
  broken.set('fc.bias', { ...bias, data: bias.data.map(() => Number.NaN) });
  await save('broken.safetensors', { parameters: broken });
  const { tensors } = await readSafetensors(at('turned.safetensors'));
  await writeSafetensors(at('silent.safetensors'), tensors);
});
after(() => rm(dir, { recursive: true, force: true }));

/** The same network for colour pictures of 64 pixels, of which each channel has a third of the gray one's weights. */
function largerColour({ model, parameters, preprocessing }: ModelCheckpoint): Partial<ModelCheckpoint> {
  const first = parameters.get('conv1.weight');
  assert.ok(first !== undefined);
  const shape = [itemAt(first.shape, 0), 3, 3, 3];
  const data = Float32Array.from({ length: first.data.length * 3 }, (_, i) => {
    return itemAt(first.data, Math.floor(i / 27) * 9 + (i % 9)) / 3;
  });
  const [mean, std] = [itemAt(preprocessing.mean, 0), itemAt(preprocessing.std, 0)];
  return {
    model: { ...model, config: { ...model.config, imageSize: 64, inputChannels: 3 } },
    parameters: new Map([...parameters, ['conv1.weight', { shape, data }]]),
    preprocessing: { imageSize: 64, channels: 3, mean: [mean, mean, mean], std: [std, std, std] },
  };
}

describe('a network that learns from another', () => {
  for (const [name, note] of [
    ['turned.safetensors', /turned\.safetensors has the data's labels in another order: they were matched by name/],
    ['larger.safetensors', /larger\.safetensors is shown the pictures of 48 x 48 gray, converted to the 64 x 64 RGB/],
  ] as const) {
    test(`comes to agree with it: ${name}`, async () => {
      const teacher = [at(name)];
      const notes: string[] = [];
      const found: { readonly same: number; readonly distance: number }[] = [];
      for (const epochs of [1, 8]) {
        const run = runOf({ epochs, ema: 0, teacher, teacherWeight: 1, seed: 4 });
        const out = at(`${name}-${epochs}`);
        await train({ ...job, run, out }, { onNote: (sentence) => notes.push(sentence) });
        found.push(await agreement(at(name), join(out, 'last.safetensors')));
      }
      assert.match(notes.join('\n'), note);
      const [early, late] = [itemAt(found, 0), itemAt(found, 1)];
      assert.ok(late.same > 0.85 && late.same > early.same, JSON.stringify(found));
      assert.ok(late.distance < 0.6 * early.distance, JSON.stringify(found));
    });
  }

  test('resumes in the middle of an epoch with the same bits, wherever the same teachers lie now', async () => {
    const teacher = [at('teacher/last.safetensors'), at('turned.safetensors')];
    const run = runOf({ teacher, teacherWeight: 0.6, teacherTemperature: 2, augmentation: 'nano' });
    const whole = await train({ ...job, run, out: at('whole') });
    const stop = new AbortController();
    const out = at('parts');
    const first = await train({ ...job, run, out }, { onStep: ({ step }) => step === 2 && stop.abort() }, stop.signal);
    assert.deepEqual([first.epochs, first.interrupted], [0, true]);
    const moved = [at('moved.safetensors'), at('turned.safetensors')];
    await copyFile(itemAt(teacher, 0), itemAt(moved, 0));
    const second = await train({ ...job, run: { ...run, teacher: moved }, out, resume: first.lastCheckpoint });
    const [one, other] = await Promise.all([whole, second].map((result) => loadParameters(result.lastCheckpoint)));
    assert.deepEqual(other?.parameters, one?.parameters);

    const digests = await Promise.all(teacher.map(sha256));
    assert.deepEqual((await loadTrainState(second.lastCheckpoint)).state.teachers, digests);
    const { run: settings, teachers } = await recordIn('parts');
    assert.deepEqual(
      teachers,
      moved.map((path, i) => ({ path, sha256: digests[i], model: 'resnet8' })),
    );
    assert.ok(isRecord(settings));
    assert.deepEqual([settings['teacher'], settings['teacherWeight'], settings['teacherTemperature']], [moved, 0.6, 2]);

    const plain = await train({ ...job, run: runOf({ augmentation: 'nano' }), out: at('plain') });
    assert.notDeepEqual((await loadParameters(plain.lastCheckpoint)).parameters, one?.parameters);

    const goOn = (changed: readonly string[]): Promise<unknown> =>
      train({ ...job, run: { ...run, epochs: 3, teacher: changed }, out, resume: second.lastCheckpoint });
    const settingsOf = { kind: 'input', settings: ['teacher', 'init'] };
    await assert.rejects(goOn(moved.toReversed()), {
      ...settingsOf,
      message: /turned.* its bytes differ; give the same/,
    });
    await assert.rejects(goOn(moved.slice(1)), {
      ...settingsOf,
      message: /learns from 2 teachers, and there is 1 now/,
    });
    const state = plain.lastCheckpoint;
    await assert.rejects(train({ ...job, run, out: at('plain'), resume: state }), {
      ...settingsOf,
      message: /learns from no teacher, and there are 2 now/,
    });
  });

  test('keeps the places of teachers out of the weights that are passed on', async () => {
    const { training } = await loadModel(at('whole/best.safetensors'));
    assert.deepEqual(training?.options?.['teacher'], ['last.safetensors', 'turned.safetensors']);
  });

  test('what is no teacher is a sentence, and begins nothing', async () => {
    await writeFile(at('words.txt'), 'no network');
    const wrong: readonly (readonly [file: string, message: RegExp])[] = [
      ['fearful.safetensors', /fearful\.safetensors tells happy, neutral, fear apart .* learn happy, neutral, sad;/],
      ['broken.safetensors', /broken\.safetensors .*fc\.bias/],
      ['silent.safetensors', /silent\.safetensors does not say which network and labels it belongs to/],
      ['words.txt', /words\.txt is no checkpoint/],
      ['faces/train/sad/0.png', /0\.png is no checkpoint but /],
      ['nowhere.safetensors', /nowhere\.safetensors/],
    ];
    for (const [file, message] of wrong) {
      const run = runOf({ teacher: [at('turned.safetensors'), at(file)] });
      await assert.rejects(train({ ...job, run, out: at('none') }), (error) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, message);
        assert.deepEqual([error.kind, error.settings[0]], ['input', 'teacher']);
        return true;
      });
    }
    assert.throws(() => runOf({ teacherWeight: 0.3 }), { kind: 'usage', settings: ['teacher'] });
    const given = { teacher: [at('turned.safetensors')] };
    assert.throws(() => runOf({ ...given, teacherWeight: 0 }), { kind: 'usage', settings: ['teacherWeight'] });
    assert.throws(() => runOf({ ...given, teacherTemperature: -1 }), {
      kind: 'usage',
      settings: ['teacherTemperature'],
    });
    assert.throws(() => runOf({ teacher: [''] }), { kind: 'usage', settings: ['teacher'] });
    assert.ok(!(await readdir(dir)).includes('none'));
  });

  test('a run does not write over its own teacher, nor over other weights that are left in its folder', async () => {
    await mkdir(at('own'));
    await copyFile(at('teacher/best.safetensors'), at('own/best.safetensors'));
    for (const teacher of [[at('own')], []]) {
      await assert.rejects(train({ ...job, run: runOf({ teacher }), out: at('own') }), {
        kind: 'usage',
        settings: ['out'],
        message: /own.best\.safetensors would be written over; move it away, or choose another folder\.$/,
      });
    }
    assert.deepEqual(await readdir(at('own')), ['best.safetensors']);
    assert.equal(await sha256(at('own/best.safetensors')), await sha256(at('teacher/best.safetensors')));
  });

  test('runs of before have no teacher', async () => {
    const { teacher, teacherWeight, teacherTemperature, ...before } = runOf();
    assert.deepEqual([teacher, teacherWeight, teacherTemperature], [[], 0.5, 1]);
    assert.deepEqual(parseStoredRun(before), runOf());
    const { teachers, ...old } = await recordIn('plain');
    assert.deepEqual(teachers, []);
    assert.ok(runFileSchema.safeParse(old).success);
  });
});

describe('poster train --teacher', () => {
  const small = ['--data', 'faces', '--model', 'resnet8', '--device', 'cpu', '--threads', '1', '--workers', '0'];
  const short = ['--epochs', '1', '--batch-size', '6', '--augmentation', 'none', '--no-tensorboard', '--out'];
  const command = (out: string, ...more: readonly string[]): readonly string[] => [
    'train',
    ...small,
    ...short,
    out,
    ...more,
  ];

  test('takes several, and resumes without naming them again', async () => {
    const teachers = ['--teacher', 'teacher/best.safetensors', '--teacher', 'turned.safetensors'];
    await succeeds(command('two', ...teachers, '--teacher-weight', '0.7', '--teacher-temperature', '2'), dir);
    const { run, teachers: known } = await recordIn('two');
    assert.ok(isRecord(run));
    assert.deepEqual(run['teacher'], [at('teacher/best.safetensors'), at('turned.safetensors')]);
    assert.deepEqual([run['teacherWeight'], run['teacherTemperature']], [0.7, 2]);
    const resume = ['train', '--resume', 'two/last.safetensors', '--device', 'cpu', '--threads', '1'];
    await fails([...resume, '--teacher-weight', '0.5'], dir, 2, /--teacher-weight was 0\.7; leave it out/);
    await succeeds([...resume, '--epochs', '2', '--no-tensorboard'], dir);
    assert.deepEqual((await recordIn('two'))['teachers'], known);
    await copyFile(at('fearful.safetensors'), at('turned.safetensors'));
    await fails(
      [...resume, '--epochs', '3'],
      dir,
      3,
      /turned\.safetensors is not the teacher .*\(--teacher FILE, poster train --init/,
    );
  });

  test('begins nothing with a wrong one', async () => {
    const wrong: readonly (readonly [args: readonly string[], code: number, sentence: RegExp])[] = [
      [
        ['--teacher', 'fearful.safetensors'],
        3,
        /choose a teacher with the labels of the data \(--teacher FILE, --data DIR\)/,
      ],
      [['--teacher', 'turned.safetensors', '--teacher-weight', '0'], 2, /--teacher-weight/],
      [['--teacher-temperature', '2'], 2, /say nothing without a teacher; .*\(--teacher FILE/],
    ];
    for (const [args, code, sentence] of wrong) await fails(command('none', ...args), dir, code, sentence);
    assert.ok(!(await readdir(dir)).includes('none'));
  });

  test('is written down with a cross-validation', async () => {
    const teacher = ['--teacher', 'teacher/best.safetensors'];
    await succeeds(command('folds', '--folds', '2', ...teacher), dir);
    assert.deepEqual((await recordIn('folds/fold-2'))['teachers'], [
      { path: at('teacher/best.safetensors'), sha256: await sha256(at('teacher/best.safetensors')), model: 'resnet8' },
    ]);
    const plan: unknown = JSON.parse(await readFile(at('folds/cross-validation.json'), 'utf8'));
    assert.match(JSON.stringify(plan), /"teacher":\["[^"]*\/teacher\/best\.safetensors"\]/);
  });
});

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
