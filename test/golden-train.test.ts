/*
 * The golden file's two steps of SAM over Adam, through the command line and from a PyTorch checkpoint. The golden
 * pictures are noise beyond what eight bits hold: they go in as a dataset of tensors.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { rafdb } from '../src/common/label-sets.js';
import { loadParameters, writePublished } from '../src/node/checkpoints/index.js';
import { fromFloat32, isOptionalBuffer } from '../src/safetensors/index.js';
import { succeeds } from './support/cli.js';
import { fill, images } from './support/fill.js';
import { readFixture } from './support/fixtures.js';
import { checkRunning, checkUpdate, type StepGolden } from './support/step.js';

const golden = readFixture<StepGolden>('golden/step.json');
const shapes = new Map(
  Object.entries(readFixture<Record<string, { readonly shape: readonly number[] }>>('golden/state-dict.json'))
    .filter(([name]) => !isOptionalBuffer(name))
    .map(([name, { shape }]) => [name, shape]),
);
const start = new Map([...shapes].map(([name, shape]) => [name, fill(name, shape)]));
let dir = '';

/** A file as `numpy.save` writes it. */
function npy(values: Float32Array, shape: readonly number[]): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const head = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${text.padEnd(117)}\n`, 'latin1');
  return Buffer.concat([head, Buffer.from(values.buffer, values.byteOffset, values.byteLength)]);
}

/** RAF-DB with four pictures: `train/3/0.npy` is the first, of the third class. Nothing is compared of what is measured: `valid` has one. */
async function writeDataset(root: string): Promise<void> {
  const folders = Object.fromEntries(rafdb.labels.map((label, i) => [String(i + 1), label]));
  const size = 3 * 224 * 224;
  const all = images(golden.target.length);
  const write = async (folder: string, i: number): Promise<void> => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${i}.npy`), npy(all.subarray(i * size, (i + 1) * size), [3, 224, 224]));
  };
  for (const [i, label] of golden.target.entries()) await write(join(root, 'train', String(label + 1)), i);
  await write(join(root, 'valid', '1'), 0);
  await writeFile(join(root, 'dataset.json'), JSON.stringify({ ...rafdb, folders, tensors: true }));
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-golden-'));
});
after(() => rm(dir, { recursive: true, force: true }));

describe('training from a PyTorch checkpoint through the command line', () => {
  it('makes the steps that PyTorch makes in float64', async () => {
    await writeDataset(join(dir, 'raf'));
    const tensors = new Map(
      [...start].map(([name, data]) => [name, fromFloat32({ shape: shapes.get(name) ?? [], data })]),
    );
    const resume = { learningRate: golden.lr, initialLearningRate: golden.lr, rho: 0.05, weightDecay: 0 };
    await writePublished(join(dir, 'start.pth'), { tensors, epoch: 0, bestAccuracy: 0, resume });

    // The published recipe, but for what chance decides and for a learning rate that does not fall after an epoch.
    const weights = ['--init', 'start.pth', '--init-labels', 'RAF-DB'];
    const recipe = ['--data', 'raf', '--data-type', 'RAF-DB', '--as-published', ...weights];
    const fixed = ['--augmentation', 'none', '--drop-path', '0', '--schedule', 'constant', '--val-split', 'valid'];
    const size = ['--batch-size', '4', '--epochs', String(golden.sam.steps), '--device', 'cpu', '--threads', '1'];
    const output = ['--workers', '0', '--no-tensorboard', '--out', 'run', '--json'];
    const { stdout } = await succeeds(['train', ...recipe, ...fixed, ...size, ...output], dir);

    const { run, init } = JSON.parse(stdout) as {
      run: { lr: number; rho: number; optimizer: string };
      init: { taken: string[]; fresh: string[] }[];
    };
    assert.deepEqual([run.lr, run.rho, run.optimizer], [golden.lr, golden.rho, 'adam']);
    assert.deepEqual(init[0]?.fresh, []);
    const losses = (await readFile(join(dir, 'run', 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { trainLoss?: number })
      .flatMap(({ trainLoss }) => trainLoss ?? []);
    assert.equal(losses.length, golden.sam.steps);
    golden.sam.loss_first_loss_second_gradient_norm.forEach(([wanted], i) => {
      const loss = losses[i] ?? Number.NaN;
      assert.ok(Math.abs(loss - wanted) < 1e-3 * wanted, `step ${i}: loss ${loss}, not ${wanted}`);
    });
    const { parameters } = await loadParameters(join(dir, 'run', 'last.safetensors'));
    const values = new Map([...parameters].map(([name, { data }]) => [name, data]));
    checkUpdate(golden, values, start);
    checkRunning(golden.sam.running, values);
  });
});
