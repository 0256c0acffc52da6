import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { itemAt } from '../src/common/item-at.js';
import { rafdb } from '../src/common/label-sets.js';
import { buildInference, modelNamed } from '../src/models/index.js';
import { saveModel } from '../src/node/checkpoints/index.js';
import { type ClassifierOptions, loadClassifier } from '../src/recognize/index.js';
import { bytesOf } from '../src/safetensors/index.js';
import { succeeds } from './support/cli.js';
import { fill, images } from './support/fill.js';
import { fixture } from './support/fixtures.js';

// Checkpoints that go to PyTorch and come from it, at full size: up to 59M parameters.
const { POSTER_TEST_PYTHON: python, POSTER_TEST_REFERENCE: referenceFile } = process.env;
const skip =
  python === undefined || referenceFile === undefined
    ? 'set POSTER_TEST_PYTHON and POSTER_TEST_REFERENCE to exchange checkpoints with PyTorch'
    : false;

const resultsSchema = z.object({
  logits: z.array(z.array(z.number())),
  saved: z.array(z.array(z.number())),
  /** What the published script of POSTER V2 goes on with. */
  resumed: z
    .object({ keys: z.array(z.string()), epoch: z.number(), best_acc: z.number(), lr: z.number(), moved: z.number() })
    .optional(),
});

interface Exchanged {
  readonly name: string;
  /** Beside the reference that is named. */
  readonly file: string;
  /** Class and arguments. */
  readonly network: readonly (string | number | boolean)[];
  readonly options?: ClassifierOptions;
  /** Its published code shows pictures as BGR, and the network here turns RGB. */
  readonly turned?: true;
}

const networks: readonly Exchanged[] = [
  { name: 'poster-v2', file: 'poster_v2.py', network: ['PosterV2', 7] },
  { name: 'poster-v1', file: 'poster_v1.py', network: ['PosterV1', 7, 'large', true], turned: true },
  { name: 'poster-v1-small', file: 'poster_v1.py', network: ['PosterV1', 7, 'small', true], turned: true },
  { name: 'poster-v1-affectnet', file: 'poster_v1.py', network: ['PosterV1', 7, 'large', false] },
  { name: 'arm', file: 'arm.py', network: ['Arm', 7], options: { acrossBatch: true } },
];

const pictures = 2;

/** Pictures [N, 3, S, S] with red and blue exchanged. */
function turned(values: Float32Array): Float32Array {
  const plane = values.length / pictures / 3;
  return values.map((_, i) => {
    const channel = Math.floor(i / plane) % 3;
    return itemAt(values, i + plane * (2 - 2 * channel));
  });
}

for (const { name, file, network: reference, options = {}, turned: isTurned } of networks) {
  describe(`checkpoints of ${name} exchanged with PyTorch`, { skip }, () => {
    let dir = '';
    let found: z.infer<typeof resultsSchema>;
    const path = (name: string): string => join(dir, name);

    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'poster-exchange-'));
      const { network, preprocessing } = modelNamed(name);
      const parameters = [...buildInference(network).parameters.values()];
      await saveModel(path('ours.safetensors'), {
        model: { name, config: { ...network.config } },
        labels: rafdb,
        preprocessing,
        training: { command: '', seed: 0, epoch: 5, metrics: { accuracy: 0.9 }, dataset: '', versions: {} },
        parameters: new Map(parameters.map(({ name, shape }) => [name, { shape, data: fill(name, shape) }])),
      });
      await succeeds(['convert', 'ours.safetensors', 'ours.pth', '--dead-tensors'], dir);
      const shown = isTurned === true ? turned(images(pictures)) : images(pictures);
      await writeFile(path('images'), bytesOf(shown));
      const files = ['ours.pth', 'images', 'theirs.pth', 'theirs.pth.tar', 'results.json'].map(path);
      const script = fileURLToPath(fixture('exchange.py'));
      const module = join(dirname(referenceFile ?? ''), file);
      execFileSync(python ?? '', [script, module, JSON.stringify(reference), ...files], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      found = resultsSchema.parse(JSON.parse(await readFile(path('results.json'), 'utf8')));
    });
    after(() => rm(dir, { recursive: true, force: true }));

    async function logitsOf(weights: string): Promise<Float32Array> {
      const classifier = await loadClassifier(path(weights), options);
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
      const { resumed } = found;
      assert.equal(resumed !== undefined, name === 'poster-v2');
      if (resumed === undefined) return;
      assert.deepEqual(resumed.keys.slice(0, 6), [
        'epoch',
        'state_dict',
        'best_acc',
        'optimizer',
        'recorder1',
        'recorder',
      ]);
      assert.equal(resumed.epoch, 5);
      assert.ok(Math.abs(resumed.best_acc - 90) < 1e-4);
      assert.ok(Math.abs(resumed.lr / (3.5e-5 * 0.98 ** 5) - 1) < 1e-9);
      // Adam's first step moves by the learning rate.
      assert.ok(Math.abs(resumed.moved / resumed.lr - 1) < 1e-3, `moved by ${resumed.moved}`);
    });

    for (const weights of ['theirs.pth', 'theirs.pth.tar']) {
      it(`one written there is read here, with the same logits: ${weights}`, async (t) => {
        const converted = `${weights}.safetensors`;
        await succeeds(['convert', weights, converted, '--model', name, '--labels', 'RAF-DB'], dir);
        assertClose(t, await logitsOf(converted), found.saved);
      });
    }
  });
}
