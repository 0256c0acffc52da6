import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { resumedRun } from '../src/cli/run-options.js';
import { flagOf } from '../src/cli/settings.js';
import { UserError } from '../src/common/errors.js';
import { nanoAugmentation } from '../src/image/index.js';
import { loadParameters } from '../src/node/checkpoints/index.js';
import { parseRun, parseStoredRun, type RunOptions } from '../src/node/runs/options.js';
import { runFor } from '../src/node/runs/recipes.js';
import { augmentationOf } from '../src/node/runs/run-network.js';
import { train } from '../src/node/runs/train.js';
import { fails, succeeds, writeClasses } from './support/cli.js';

// Every change of pictures and targets at once, in a tiny run.

const everything = {
  ...{ rotation: 10, zoom: [0.9, 1.1], shift: 0.05, cropScale: [0.8, 0.95], brightness: 0.1, contrast: 0.1 },
  ...{ gammaCorrection: 0.5, blur: 0.5, noise: 0.05, jpeg: 0.5, erasing: 0.5, mixup: 0.4, cutmix: 1 },
  labelSmoothing: 0.1,
} satisfies Partial<RunOptions>;
const flags = Object.entries(everything).flatMap(([key, value]) => [flagOf(key), String(value)]);
const small = ['--data', 'faces', '--model', 'resnet8', '--device', 'cpu', '--threads', '1', '--workers', '0'];
const short = [...small, '--batch-size', '6', '--micro-batch', '3', '--hold-out', '0.2', '--no-tensorboard'];

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-augmented-'));
  await writeClasses(join(dir, 'faces', 'train'), ['happy', 'neutral', 'sad'], 6);
  await succeeds(['train', ...short, ...flags, '--epochs', '2', '--out', 'run'], dir);
});
after(() => rm(dir, { recursive: true, force: true }));

const parametersOf = async (path: string) => (await loadParameters(path)).parameters;

describe('a run with every random change', () => {
  test('says in run.json what is changed', async () => {
    const { run } = JSON.parse(await readFile(join(dir, 'run', 'run.json'), 'utf8')) as { run: RunOptions };
    for (const [key, value] of Object.entries(everything)) assert.deepEqual(run[key], value, key);
  });

  test('takes no option of a job that there is not', async () => {
    const run = parseRun(runFor({ data: join(dir, 'faces'), model: 'resnet8', given: { epochs: 1 } }));
    const job = { run, device: 'cpu', strict: true, saveEvery: 300, command: '', out: join(dir, 'typo'), worker: 0 };
    await assert.rejects(Reflect.apply(train, undefined, [job]), {
      name: 'UserError',
      kind: 'usage',
      message: /worker.*workers/,
    });
    await assert.rejects(readFile(join(dir, 'typo', 'run.json')), { code: 'ENOENT' });
  });

  test('resumes in the middle of an epoch, on other workers, to the same bits', async () => {
    const given: Partial<RunOptions> = { ...everything, epochs: 2, batchSize: 6, microBatch: 3, holdOut: 0.2 };
    const run = parseRun(runFor({ data: join(dir, 'faces'), model: 'resnet8', given }));
    const job = { run, device: 'cpu', threads: 1, workers: 0, strict: true, saveEvery: 300, command: '' } as const;
    const out = join(dir, 'parts');
    const stopped = new AbortController();
    const first = await train(
      { ...job, out },
      { onStep: ({ step }) => (step === 4 ? stopped.abort() : undefined) },
      stopped.signal,
    );
    assert.deepEqual([first.epochs, first.interrupted], [1, true]);
    const second = await train({ ...job, workers: 2, out, resume: first.lastCheckpoint });
    assert.deepEqual([second.epochs, second.interrupted], [2, false]);
    const whole = await parametersOf(join(dir, 'run', 'last.safetensors'));
    assert.deepEqual(await parametersOf(second.lastCheckpoint), whole);
    // And not because nothing was changed.
    const { mixup, ...rest } = everything;
    assert.ok(mixup > 0);
    const other = await train({ ...job, run: { ...run, ...rest, mixup: 0 }, out: join(dir, 'unmixed') });
    assert.notDeepEqual(await parametersOf(other.lastCheckpoint), whole);
  });

  test('is not resumed with other changes', async () => {
    const resume = ['train', '--resume', 'run/last.safetensors', '--epochs', '3'];
    await fails([...resume, '--mixup', '0.2'], dir, 2, /keeps its options, and --mixup was 0\.4; leave it out/);
    const { run } = JSON.parse(await readFile(join(dir, 'run', 'run.json'), 'utf8')) as { run: RunOptions };
    assert.deepEqual(resumedRun(run, everything), run);
    for (const other of [
      { cropScale: [0.5, 1] },
      { blur: 0.4 },
      { labelSmoothing: 0 },
      { augmentation: 'none' },
    ] as const) {
      const [key] = Object.keys(other);
      assert.throws(
        () => resumedRun(run, { ...other } as Partial<RunOptions>),
        new RegExp(`keeps its options, and ${flagOf(key ?? '')} was`),
      );
    }
  });
});

describe('weights measured in several views', () => {
  const weights = ['--checkpoint', 'run/last.safetensors'];
  const evaluate = ['evaluate', '--data', 'faces', '--split', 'train', '--workers', '0', ...weights];

  test('of crops and their mirror images, which the protocol says', async () => {
    const { stdout } = await succeeds([...evaluate, '--crops', '5', '--crop-scale', '0.9', '--flip', '--json'], dir);
    const { protocol } = JSON.parse(stdout) as { protocol: { views: string[]; cropScale: number } };
    assert.deepEqual([protocol.views.length, protocol.views[0], protocol.cropScale], [10, 'top left crop', 0.9]);
  });

  test('that cannot be are a sentence', async () => {
    await fails([...evaluate, '--crops', '3'], dir, 2, /--crops.*must be one of 1, 5, 9/s);
    await fails([...evaluate, '--crop-scale', '0.9'], dir, 2, /--crop-scale is the size of crops; give --crops too/);
  });
});

describe('random changes', () => {
  test('that cannot be are a sentence each', async () => {
    const wrong: readonly (readonly [setting: string, value: unknown])[] = [
      ...[[0.9, 0.8], [0.9, 1.2], [0, 1], [0.9], [Number.NaN, 1]].map((list) => ['cropScale', list] as const),
      ...[
        [0, 1],
        [2, 1],
      ].map((list) => ['zoom', list] as const),
      ...['shift', 'brightness', 'contrast', 'blur', 'noise', 'jpeg'].flatMap((key) => [
        [key, 1.5] as const,
        [key, -1] as const,
      ]),
      ...([
        ['rotation', 181],
        ['gammaCorrection', 10],
        ['mixup', -0.2],
        ['cutmix', Number.NaN],
        ['labelSmoothing', 1],
      ] as const),
    ];
    const run = runFor({ data: 'faces' });
    for (const [setting, value] of wrong) {
      assert.throws(
        () => parseRun({ ...run, [setting]: value }),
        (error) =>
          error instanceof UserError &&
          error.message.startsWith(`The value of ${setting} cannot be used: `) &&
          error.settings.join() === setting,
        `${setting} ${String(value)}`,
      );
    }
    await fails(['train', ...short, '--crop-scale', '0.9,1.2'], dir, 2, /at most 1 \(--crop-scale LIST\)/);
    await fails(['train', ...short, '--label-smoothing', '1'], dir, 2, /--label-smoothing/);
  });

  test('of runs from before there were these are what they were', () => {
    const { labelSmoothing, mixup, cutmix, ...run } = runFor({ data: 'faces' });
    const changes: readonly string[] = Object.keys(everything);
    const stored = Object.fromEntries(Object.entries(run).filter(([key]) => !changes.includes(key)));
    const read = parseStoredRun(stored);
    assert.deepEqual(augmentationOf(read), nanoAugmentation);
    assert.deepEqual([labelSmoothing, mixup, cutmix], [read.labelSmoothing, read.mixup, read.cutmix]);
    assert.deepEqual([read.labelSmoothing, read.mixup, read.cutmix], [0, 0, 0]);
  });
});
