import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { rafdb } from '../src/common/label-sets.js';
import { buildInference, modelNamed, posterV2Config } from '../src/models/index.js';
import { saveModel } from '../src/node/checkpoints/index.js';
import { loadClassifier } from '../src/recognize/index.js';
import { bytesOf } from '../src/safetensors/index.js';
import { succeeds } from './support/cli.js';
import { fill, images } from './support/fill.js';
import { fixture } from './support/fixtures.js';

// Checkpoints that go to PyTorch and come from it, at full size: 44M parameters.
const { POSTER_TEST_PYTHON: python, POSTER_TEST_REFERENCE: reference } = process.env;
const skip =
  python === undefined || reference === undefined
    ? 'set POSTER_TEST_PYTHON and POSTER_TEST_REFERENCE to exchange checkpoints with PyTorch'
    : false;

const resultsSchema = z.object({
  keys: z.array(z.string()),
  epoch: z.number(),
  best_acc: z.number(),
  lr: z.number(),
  logits: z.array(z.array(z.number())),
  moved: z.number(),
  saved: z.array(z.array(z.number())),
});

const pictures = 2;

describe('checkpoints exchanged with PyTorch', { skip }, () => {
  let dir = '';
  let found: z.infer<typeof resultsSchema>;
  const path = (name: string): string => join(dir, name);

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'poster-exchange-'));
    const { network, preprocessing } = modelNamed('poster-v2');
    const parameters = [...buildInference(network).parameters.values()];
    await saveModel(path('ours.safetensors'), {
      model: { name: 'poster-v2', config: { ...posterV2Config } },
      labels: rafdb,
      preprocessing,
      training: { command: '', seed: 0, epoch: 5, metrics: { accuracy: 0.9 }, dataset: '', versions: {} },
      parameters: new Map(parameters.map(({ name, shape }) => [name, { shape, data: fill(name, shape) }])),
    });
    await succeeds(['convert', 'ours.safetensors', 'ours.pth', '--dead-tensors'], dir);
    await writeFile(path('images'), bytesOf(images(pictures)));
    const files = ['ours.pth', 'images', 'theirs.pth', 'theirs.pth.tar', 'results.json'].map(path);
    const script = fileURLToPath(fixture('exchange.py'));
    execFileSync(python ?? '', [script, reference ?? '', ...files], { stdio: ['ignore', 'ignore', 'inherit'] });
    found = resultsSchema.parse(JSON.parse(await readFile(path('results.json'), 'utf8')));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  async function logitsOf(file: string): Promise<Float32Array> {
    const classifier = await loadClassifier(path(file));
    const { logits } = await classifier.classify(images(pictures), pictures);
    await classifier.dispose();
    return logits;
  }

  function assertClose(t: TestContext, ours: Float32Array, theirs: readonly (readonly number[])[]): void {
    const expected = theirs.flat();
    assert.equal(ours.length, expected.length);
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - (ours[i] ?? Number.NaN))));
    t.diagnostic(`logits differ by ${worst}`);
    assert.ok(worst < 1e-4);
  }

  it('one written here is loaded strictly there, with the same logits', async (t) => {
    assertClose(t, await logitsOf('ours.safetensors'), found.logits);
    assert.deepEqual(found.keys.slice(0, 6), ['epoch', 'state_dict', 'best_acc', 'optimizer', 'recorder1', 'recorder']);
    assert.equal(found.epoch, 5);
    assert.ok(Math.abs(found.best_acc - 90) < 1e-4);
    assert.ok(Math.abs(found.lr / (3.5e-5 * 0.98 ** 5) - 1) < 1e-9);
    // Adam's first step moves by the learning rate.
    assert.ok(Math.abs(found.moved / found.lr - 1) < 1e-3, `moved by ${found.moved}`);
  });

  for (const file of ['theirs.pth', 'theirs.pth.tar']) {
    it(`one written there is read here, with the same logits: ${file}`, async (t) => {
      await succeeds(['convert', file, `${file}.safetensors`, '--model', 'poster-v2', '--labels', 'RAF-DB'], dir);
      assertClose(t, await logitsOf(`${file}.safetensors`), found.saved);
    });
  }
});
