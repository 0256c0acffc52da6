import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { corruptions } from '../src/image/index.js';
import { saveModel } from '../src/node/checkpoints/index.js';
import { npy, writeTree } from '../src/node/datasets/helpers.test.js';
import { tinyCheckpoint, tinyLabels, writePictures } from '../src/recognize/helpers.test.js';
import { fails, succeeds } from './support/cli.js';

let dir = '';
const work = ['--device', 'cpu', '--threads', '1', '--workers', '0'];
const evaluate = ['evaluate', '--data', 'faces', '--checkpoint', 'tiny.safetensors', ...work];

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-corruptions-'));
  await writePictures(join(dir, 'faces', 'valid'), tinyLabels.labels, 2);
  await saveModel(join(dir, 'tiny.safetensors'), tinyCheckpoint());
});
after(() => rm(dir, { recursive: true, force: true }));

const fraction = z.number().min(0).max(1);
const figures = { accuracy: fraction, meanClassAccuracy: fraction };
const document = z.object({
  accuracy: fraction,
  robustness: z.object({
    seed: z.number(),
    clean: z.object(figures),
    corruptions: z.array(
      z.object({
        name: z.string(),
        unit: z.string(),
        strengths: z.array(z.object({ ...figures, strength: z.number() })).length(5),
        mean: z.object(figures),
      }),
    ),
    strengths: z.array(z.object(figures)).length(5),
    mean: z.object(figures),
    leftOut: z.array(z.string()).length(0),
  }),
});

describe('poster evaluate --corruptions', () => {
  it('says in JSON how each strength of each corruption was taken, the same again for the same seed', async () => {
    const { stdout } = await succeeds([...evaluate, '--corruptions', '--seed', '5', '--json'], dir);
    const { accuracy, robustness } = document.parse(JSON.parse(stdout));
    assert.deepEqual(
      robustness.corruptions.map(({ name }) => name),
      corruptions.map(({ name }) => name),
    );
    assert.deepEqual([robustness.seed, robustness.clean.accuracy], [5, accuracy]);
    assert.equal((await succeeds([...evaluate, '--corruptions', '--seed', '5', '--json'], dir)).stdout, stdout);
  });

  it('prints two tables, and draws a page or a picture', async () => {
    const page = join(dir, 'page.html');
    const { stdout } = await succeeds([...evaluate, '--corruptions', '--plot', 'page.html'], dir);
    assert.match(stdout, /^Accuracy % under corruptions of growing strength; as the pictures are: [\d.]+$/m);
    assert.match(stdout, /^Mean-class accuracy % under corruptions/m);
    for (const { name } of corruptions) {
      assert.equal(stdout.match(new RegExp(`^${name}( +[\\d.]+){6}$`, 'gm'))?.length, 2, name);
    }
    assert.match(stdout, /^low resolution: pixels across +32 +24 +16 +12 +8$/m);
    const html = await readFile(page, 'utf8');
    assert.equal(html.match(/<figure>/g)?.length, corruptions.length + 1);
    await succeeds([...evaluate, '--corruptions', '--plot', 'chart.svg'], dir);
    assert.match(await readFile(join(dir, 'chart.svg'), 'utf8'), />mouth hidden</);
  });

  it('says in a sentence what cannot be', async () => {
    await fails([...evaluate, '--plot', 'chart.svg'], dir, 2, /--plot draws accuracy under corruptions; give --corr/);
    await fails([...evaluate, '--corruptions', '--plot', 'chart.pdf'], dir, 2, /ends in \.svg, \.png or \.html/);
    await fails([...evaluate, '--seed', '5'], dir, 2, /give --folds too/);
    await fails([...evaluate, '--corruptions', '--plot', 'tiny.safetensors.svg/x.svg'], dir, 3, /Cannot write/);
    const tensor = npy('<f4', Buffer.alloc(4 * 256), '1, 16, 16');
    await writeTree(join(dir, 'tensors'), {
      'dataset.json': Buffer.from(JSON.stringify({ labels: tinyLabels.labels, tensors: true })),
      ...Object.fromEntries(tinyLabels.labels.map((label) => [`valid/${label}/1.npy`, tensor])),
    });
    const other = ['evaluate', '--data', 'tensors', '--checkpoint', 'tiny.safetensors', ...work, '--corruptions'];
    await fails(other, dir, 3, /tensors holds tensors \(\.npy\), and corruptions change pictures; name the folder/);
  });
});
