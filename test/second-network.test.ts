import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { itemAt } from '../src/common/item-at.js';
import { loadParameters, readSafetensors } from '../src/node/checkpoints/index.js';
import { parseRun } from '../src/node/runs/options.js';
import { runFor } from '../src/node/runs/recipes.js';
import { train } from '../src/node/runs/train.js';
import { fails, succeeds, writeClasses } from './support/cli.js';

// A ResNet-8, which is one file in a folder of its own and a line in src/models/networks.ts, through every command.

const labels = ['happy', 'neutral', 'sad'];
let dir: string;
const run = async (...args: readonly string[]): Promise<string> => (await succeeds(args, dir)).stdout;
const json = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
  JSON.parse(await run(...args, '--json')) as Record<string, unknown>;

const small = ['--data', 'faces', '--model', 'resnet8', '--device', 'cpu', '--threads', '1', '--workers', '0'];
const short = [...small, '--batch-size', '6', '--micro-batch', '3', '--augmentation', 'none', '--seed', '3'];
const trainWith = (...more: readonly string[]): readonly string[] => ['train', ...short, '--no-tensorboard', ...more];

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-second-network-'));
  await writeClasses(join(dir, 'faces', 'train'), labels, 6);
  await writeClasses(join(dir, 'faces', 'test'), labels, 3);
  await run(...trainWith('--epochs', '2', '--hold-out', '0.2', '--out', 'run'));
});
after(() => rm(dir, { recursive: true, force: true }));

describe('another network than POSTER V2', () => {
  const weights = 'run/last.safetensors';

  test('is one folder of at most 150 lines', async () => {
    const folder = fileURLToPath(new URL('../../src/models/resnet/', import.meta.url));
    const files = await readdir(folder);
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
    assert.ok(texts.join('').split('\n').length <= 151, files.join());
  });

  test('trains, and resumes with the same bits', async () => {
    const given = { epochs: 2, batchSize: 6, microBatch: 3, holdOut: 0.2, augmentation: 'none', seed: 3 } as const;
    const run = parseRun(runFor({ data: join(dir, 'faces'), model: 'resnet8', given }));
    const job = { run, device: 'cpu', threads: 1, workers: 0, strict: true, saveEvery: 300, command: '' } as const;
    const out = join(dir, 'half');
    const stopped = new AbortController();
    const first = await train({ ...job, out }, { onEpoch: () => stopped.abort() }, stopped.signal);
    assert.deepEqual([first.epochs, first.interrupted], [1, true]);
    const second = await train({ ...job, out, resume: first.lastCheckpoint });
    assert.deepEqual([second.epochs, second.interrupted], [2, false]);
    const [whole, parts] = await Promise.all(
      [weights, second.lastCheckpoint].map((path) => loadParameters(join(dir, path.replace(dir, '')))),
    );
    assert.ok(whole !== undefined && whole.parameters.size > 0);
    assert.deepEqual(whole.parameters, parts?.parameters);
    const document: unknown = JSON.parse(await readFile(join(out, 'run.json'), 'utf8'));
    assert.match(JSON.stringify(document), /"model":"resnet8".*"width":1/);
    assert.doesNotMatch(JSON.stringify(document), /"landmark"/);
  });

  test('has options of its own, and none of another network', async () => {
    await run(...trainWith('--epochs', '1', '--width', '2', '--out', 'wide'));
    const { parameters } = await loadParameters(join(dir, 'wide/last.safetensors'));
    assert.deepEqual(parameters.get('fc.weight')?.shape, [3, 128]);
    await fails(
      [...trainWith('--blocks', '1', '--out', 'none')],
      dir,
      2,
      /value of blocks cannot be used: a resnet8 has no/,
    );
    await fails([...trainWith('--width', '0', '--out', 'none')], dir, 2, /--width/);
    await fails([...trainWith('--as-published', '--out', 'none')], dir, 2, /no published code of resnet8/);
    for (const file of ['run/last.safetensors', 'missing']) {
      const part = ['--init', `ir50=${file}`, '--out', 'none'];
      await fails([...trainWith(...part)], dir, 2, /ResNet has no part called 'ir50'/);
    }
  });

  test('begins with weights of its own', async () => {
    const { stderr } = await succeeds(trainWith('--epochs', '1', '--init', weights, '--out', 'begun'), dir);
    assert.match(stderr, /Took (\d+) of the \1 tensors of the network/);
  });

  test('is measured, profiled, cross-validated and compared', async () => {
    const evaluate = ['evaluate', '--data', 'faces', '--threads', '1', '--workers', '0'];
    const measured = await json(...evaluate, '--checkpoint', weights);
    assert.equal(typeof measured['accuracy'], 'number', Object.keys(measured).join());
    assert.match(await run('profile', '--model', 'resnet8'), /reaching the logits +77,624\n +trained +77,624\n/);
    // Of three classes, not of eight.
    const held = await run('profile', '--checkpoint', weights);
    assert.match(held, new RegExp(`reaching the logits +${(77_624 - 5 * 65).toLocaleString('en-US')}\n`));
    // Twice the channels: nearly four times the weights.
    assert.match(await run('profile', '--model', 'resnet8', '--width', '2'), /reaching the logits +307,/);
    await run(...trainWith('--epochs', '1', '--folds', '2', '--out', 'folds'));
    assert.ok((await readdir(join(dir, 'folds'))).includes('cross-validation.json'));
    assert.match(await run('compare', 'run', 'folds/fold-1'), /fold-1/);
    await run('report', 'run');
    assert.ok((await readdir(join(dir, 'run/report'))).length > 0);
  });

  test('predicts and embeds, from whichever file holds it', async () => {
    const picture = 'faces/test/sad/0.png';
    const scores = async (checkpoint: string, ...more: readonly string[]): Promise<readonly number[]> => {
      const found = await json('predict', picture, '--aligned', '--checkpoint', checkpoint, '--threads', '1', ...more);
      return probabilitiesIn(found);
    };
    const wanted = await scores(weights);
    assert.equal(wanted.length, 3);
    for (const out of ['x.onnx', 'x.pth', 'x.safetensors', 'folder/']) {
      await run('convert', weights, out);
      if (out === 'x.onnx') continue;
      const found = await scores(out);
      for (const [i, value] of found.entries())
        assert.ok(Math.abs(value - itemAt(wanted, i)) < 1e-5, `${out}: ${value}`);
    }
    const config = JSON.parse(await readFile(join(dir, 'folder/config.json'), 'utf8')) as { architectures: string[] };
    assert.deepEqual(config.architectures, ['ResNet8ForImageClassification']);
    await run(
      'embed',
      'faces',
      '--split',
      'test',
      '--checkpoint',
      weights,
      '--out',
      'features.safetensors',
      '--no-map',
    );
    const { tensors } = await readSafetensors(join(dir, 'features.safetensors'));
    assert.deepEqual(tensors.get('features')?.shape, [9, 64]);
  });

  test('has no attention to explain, and says so in one sentence', async () => {
    const sentence = /^poster: resnet8 has no attention that could be shown: explain a network that has, such as/m;
    await fails(['explain', 'faces/test/sad/0.png', '--aligned', '--checkpoint', weights], dir, 3, sentence);
  });
});

/** The numbers called `probability` of a document, in its order of labels. */
function probabilitiesIn(document: unknown): number[] {
  const found = new Map<string, number>();
  JSON.stringify(document, (_, value: unknown) => {
    if (typeof value === 'object' && value !== null && 'label' in value && 'probability' in value) {
      found.set(String(value.label), Number(value.probability));
    }
    return value;
  });
  return [...found].toSorted(([a], [b]) => a.localeCompare(b)).map(([, probability]) => probability);
}
