import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { z } from 'zod';
import { modelNamed, profile } from '../src/models/index.js';
import { loadParameters, readSafetensors, writePth } from '../src/node/checkpoints/index.js';
import { bytesOf, type Tensor } from '../src/safetensors/index.js';
import { fails, succeeds, writeClasses } from './support/cli.js';

// POSTER V1, ARM and the backbones alone, in small sizes, through the commands.

const labels = ['anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise'];
let dir: string;
const json = async (...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await succeeds([...args, '--json'], dir)).stdout);

const evaluationSchema = z.object({
  model: z.string(),
  accuracy: z.number(),
  protocol: z.object({
    batch: z.object({ dependsOn: z.string(), pictures: z.number() }).optional(),
    deviations: z.array(z.string()),
  }),
});
const predictionSchema = z.object({
  images: z.tuple([z.object({ scores: z.array(z.object({ label: z.string(), probability: z.number() })) })]),
});
const scoresOf = (stdout: string): Record<string, number> =>
  Object.fromEntries(
    predictionSchema.parse(JSON.parse(stdout)).images[0].scores.map(({ label, probability }) => [label, probability]),
  );

type Parameters = Awaited<ReturnType<typeof loadParameters>>['parameters'];

/** That a PyTorch file becomes the weights that it was made from. */
async function convertsTo(name: string, expected: Parameters, assumed: readonly string[]): Promise<void> {
  await succeeds(['convert', `${name}.pth`, `${name}.safetensors`, ...assumed], dir);
  const { parameters } = await loadParameters(join(dir, `${name}.safetensors`));
  assert.equal(parameters.size, expected.size);
  for (const [tensor, value] of parameters) assert.deepEqual(value, expected.get(tensor), tensor);
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-networks-'));
  await writeClasses(join(dir, 'faces', 'train'), labels, 3);
  await writeClasses(join(dir, 'faces', 'test'), labels, 1);
});
after(() => rm(dir, { recursive: true, force: true }));

describe('networks that POSTER V2 is measured against', () => {
  const how = ['--device', 'cpu', '--threads', '1', '--workers', '0'];

  for (const model of ['poster-v1-nano', 'arm-nano', 'ir50-nano', 'mobilefacenet-nano']) {
    test(`${model} trains, is measured, recognises, and comes back from a PyTorch file`, async () => {
      const size = ['--batch-size', '6', '--micro-batch', '6', '--epochs', '1', '--hold-out', '0.3'];
      const small = ['--data', 'faces', '--model', model, ...how, ...size];
      await succeeds(['train', ...small, '--no-tensorboard', '--out', model], dir);
      const weights = join(model, 'last.safetensors');
      const evaluated = evaluationSchema.parse(
        await json('evaluate', '--data', 'faces', '--checkpoint', weights, '--batch-size', '4', ...how),
      );
      assert.equal(evaluated.model, model);
      const { batch, deviations } = evaluated.protocol;
      const batchSentences = deviations.filter((one) =>
        /mean features of its batch: 4 pictures in the order/.test(one),
      );
      assert.equal(batchSentences.length, model === 'arm-nano' ? 1 : 0);
      assert.deepEqual(batch?.pictures, model === 'arm-nano' ? 4 : undefined);

      await succeeds(['convert', weights, `${model}.pth`], dir);
      const before = await loadParameters(join(dir, weights));
      // As DataParallel names its parts.
      const prefixed = [...before.parameters].map(([name, { shape, data }]): [string, Tensor] => [
        `module.${name}`,
        { dtype: 'F32', shape, data: bytesOf(data) },
      ]);
      await writePth(join(dir, `${model}-module.pth`), (storages) => {
        const state = new Map(prefixed.map(([name, tensor]) => [name, storages.tensor(tensor)]));
        return new Map([['model_state_dict', state]]);
      });
      for (const name of [model, `${model}-module`]) {
        const assumed = name === model ? [] : ['--labels', 'RAF-DB'];
        await convertsTo(name, before.parameters, assumed);
      }

      const picture = join('faces', 'test', 'sadness', '0.png');
      const args = ['predict', picture, '--aligned', '--json', '--device', 'cpu', '--checkpoint'];
      const own = await succeeds([...args, weights], dir);
      const theirs = await succeeds([...args, `${model}.pth`], dir);
      assert.deepEqual(scoresOf(theirs.stdout), scoresOf(own.stdout));
      const alone =
        /In the published code of ARM a picture's logits depend on the mean features of its batch; here its own/;
      assert.equal(alone.test(own.stderr), model === 'arm-nano', own.stderr);
    });
  }

  test('POSTER V1 is explained without a class token; what has no attention says so', async () => {
    const picture = join('faces', 'test', 'sadness', '0.png');
    const explain = ['explain', picture, '--aligned', '--out', 'maps', '--save-maps'];
    const { images } = z
      .object({
        images: z.tuple([
          z.object({
            direction: z.literal('image-to-landmarks'),
            scales: z.tuple([
              z.object({ attention: z.array(z.array(z.number())), relevance: z.array(z.array(z.number())) }),
            ]),
            classToken: z.null(),
            panel: z.string(),
            maps: z.string(),
          }),
        ]),
      })
      .parse(await json(...explain, '--checkpoint', 'poster-v1-nano/last.safetensors'));
    const [{ scales, panel, maps }] = images;
    const [{ attention }] = scales;
    assert.deepEqual([attention.length, attention[0]?.length], [3, 3]);
    assert.ok(Math.abs(attention.flat().reduce((a, b) => a + b, 0) - 1) < 1e-3);
    assert.equal((await sharp(join(dir, panel)).metadata()).format, 'png');
    const { tensors } = await readSafetensors(join(dir, maps));
    assert.deepEqual([...tensors.keys()], ['scale/1/attention', 'scale/1/heads', 'scale/1/relevance']);
    await fails([...explain, '--checkpoint', 'arm-nano.pth'], dir, 3, /arm-nano has no attention that could be shown/);
  });

  test('are counted beside it, in one unit', async () => {
    const { classes, networks } = (await json('profile', '--compare', 'poster-v2', 'poster-v1', 'arm')) as {
      classes: number;
      networks: { model: string; parameters: { reachingLogits: number }; multiplyAccumulates: { layers: number } }[];
    };
    assert.equal(classes, 7);
    assert.deepEqual(
      networks.map(({ model, parameters, multiplyAccumulates }) => [
        model,
        parameters.reachingLogits,
        multiplyAccumulates.layers,
      ]),
      [
        ['poster-v2', 43_753_941, 8_435_375_360],
        ['poster-v1', 58_906_255, 7_785_190_912],
        ['arm', 11_178_395, 1_813_809_999],
      ],
    );
    const timed = z.object({
      networks: z.array(
        z.object({
          activationBytes: z.object({ peak: z.number(), all: z.number() }),
          stated: z.object({ unit: z.string() }).nullable(),
          seconds: z.object({
            forward: z.record(z.string(), z.number().positive()),
            trainingStep: z.number().positive(),
          }),
        }),
      ),
    });
    const small = timed.parse(
      await json('profile', '--compare', 'arm-nano', 'mobilefacenet-nano', '--time', '--threads', '1'),
    );
    assert.equal(small.networks.length, 2);
    for (const { activationBytes, stated } of small.networks) {
      assert.ok(activationBytes.peak > 0 && activationBytes.all > activationBytes.peak);
      assert.equal(stated, null);
    }
    await fails(['profile', '--time'], dir, 2, /--time and --threads are for comparing networks; give --compare too/);
    const { stdout } = await succeeds(['profile', '--compare', 'ir50', 'mobilefacenet', 'poster-v2'], dir);
    assert.match(stdout, /43\.7M parameters and 8\.4 G FLOPs, which are multiply-accumulates\./);
    assert.match(stdout, /ir50 .*17,613,767.*\nmobilefacenet .*914,823/);
    await fails(['profile', '--compare', 'arm', '--model', 'arm'], dir, 2, /cannot be used with/);
  });

  test('docs/networks.md has the numbers that are counted', async () => {
    const page = await readFile(fileURLToPath(new URL('../../docs/networks.md', import.meta.url)), 'utf8');
    const rows = [...page.matchAll(/^\| `([a-z][\w-]*)` \|[^|]*\|((?:[^|]*\|){5}[^|]*)\|$/gm)].flatMap(
      ([, name, cells]) =>
        name === undefined || cells === undefined ? [] : [{ name, cells: cells.split('|').map((cell) => cell.trim()) }],
    );
    assert.equal(rows.length, 8);
    const grouped = (count: number): string => count.toLocaleString('en-US');
    const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
    for (const { name, cells } of rows) {
      const { parameters, macs, executed, activations } = profile(modelNamed(name).network.withClasses(7));
      assert.deepEqual(
        cells,
        [
          ...[parameters.reachingLogits, macs.layers, macs.attention, executed.layers + executed.attention].map(
            grouped,
          ),
          ...[activations.peak, activations.all].map(mebibytes),
        ],
        name,
      );
    }
  });

  test('a file of one network that is given as another is named, with the first tensors that tell', async () => {
    const picture = join('faces', 'test', 'sadness', '0.png');
    const predict = ['predict', picture, '--aligned', '--device', 'cpu', '--labels', 'RAF-DB', '--checkpoint'];
    await fails(
      [...predict, 'poster-v1-nano-module.pth', '--model', 'poster-v2-nano'],
      dir,
      3,
      /holds a poster-v1-nano, not a poster-v2-nano: it has no ir_back\.body1\.0\..*leave the model out/,
    );
    await fails(
      [...predict.with(-2, 'AffectNet-8'), 'poster-v1-nano-module.pth'],
      dir,
      3,
      /has 7 outputs, and AffectNet-8 has 8 labels \(its head\.linear\.weight is \[7, 256\]\)/,
    );
  });

  test('what is not of a network is a sentence', async () => {
    const train = ['train', '--data', 'faces', '--device', 'cpu', '--out', 'none'];
    await fails(
      [...train, '--model', 'arm-nano', '--mixing', 'none'],
      dir,
      2,
      /value of mixing cannot be used: a arm-nano/,
    );
    await fails([...train, '--model', 'poster-v1-nano', '--landmark', 'none'], dir, 2, /landmark/);
    await fails(
      [...train, '--model', 'poster-v1-nano', '--landmark', 'frozen'],
      dir,
      2,
      /branch of poster-v1-nano has no weights of its own to keep, so it is 'trained', never 'frozen'/,
    );
  });
});
