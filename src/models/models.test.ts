import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gradients } from '../autodiff/index.js';
import { UserError } from '../common/errors.js';
import { input, type Shape } from '../graph/index.js';
import { reduceMean, softmaxCrossEntropy } from '../ops/index.js';
import {
  buildForward,
  buildInference,
  deadTensors,
  isUnread,
  landmarkHeadTensors,
  modelNamed,
  type PosterV2Config,
  parsePosterV2Config,
  positionIndices,
  posterV2Config,
  posterV2NanoConfig,
  posterV2Network,
  profile,
} from './index.js';

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../test/fixtures/golden/${name}`, import.meta.url), 'utf8'));

/** Names of the parameters that a loss on the logits gives gradients, and of those it should. */
function gradientNames(config: PosterV2Config): { readonly given: string[]; readonly trained: string[] } {
  const { logits, scope } = buildForward(posterV2Network(config), 'training');
  const targets = input('targets', 'float32', logits.shape);
  const trained = [...scope.parameters.values()].filter((spec) => spec.trained).map(({ name }) => name);
  const leaves = trained.map((name) => {
    const leaf = scope.leaves.get(name);
    assert.ok(leaf);
    return leaf;
  });
  const loss = reduceMean(softmaxCrossEntropy(logits, targets), [0]);
  const results = gradients(loss, leaves);
  const given = trained.filter((_, i) => results[i] !== undefined);
  return { given, trained };
}

describe('poster-v2', () => {
  it('with its dead tensors and counters holds exactly what published checkpoints hold', () => {
    const published = golden('state-dict.json') as Record<string, { shape: number[]; dtype: string }>;
    const ours = new Map<string, Shape>();
    const { parameters } = buildInference(posterV2Network(posterV2Config));
    const head = landmarkHeadTensors(posterV2Config);
    for (const { name, shape } of [...parameters.values(), ...head.values(), ...deadTensors.values()])
      ours.set(name, shape);
    const names = [...ours.keys()];
    for (const { name, shape } of positionIndices(posterV2Config, names).values()) ours.set(name, shape);
    for (const name of names.filter((one) => one.endsWith('.running_var'))) {
      ours.set(name.replace('running_var', 'num_batches_tracked'), []);
    }
    assert.equal(Object.keys(published).length, 747);
    assert.deepEqual([...ours.keys()].sort(), Object.keys(published).sort());
    for (const [name, shape] of ours) assert.deepEqual(shape, published[name]?.shape, name);
    for (const name of deadTensors.keys()) assert.ok(isUnread(name) && !parameters.has(name));
    for (const name of head.keys()) assert.ok(isUnread(name) && !parameters.has(name));
  });

  it('gives a gradient to every parameter that PyTorch gives one', () => {
    const { trained: published } = golden('step.json') as { trained: string[] };
    const { given, trained } = gradientNames(posterV2Config);
    assert.deepEqual([...given].sort(), [...published].sort());
    assert.deepEqual([...trained].sort(), [...published].sort());
  });

  it('moves the landmark branch only as published', () => {
    const moved = (training: 'frozen' | 'as-published'): string[] => {
      const { landmark } = posterV2Config;
      assert.ok(landmark !== 'none');
      const { scope } = buildForward(
        posterV2Network({ ...posterV2Config, landmark: { ...landmark, training } }),
        'training',
      );
      return [...scope.updates.keys()];
    };
    const branch = (name: string): boolean => name.startsWith('face_landback.');
    assert.ok(moved('frozen').length > 0 && !moved('frozen').some(branch));
    const { running } = golden('step.json') as { running: Record<string, unknown> };
    const expected = Object.keys(running).filter((name) => !deadTensors.has(name));
    assert.deepEqual(moved('as-published').sort(), expected.sort());
  });

  it('asks for a mask for each branch that stochastic depth may skip', () => {
    const { masks } = buildForward(posterV2Network(posterV2Config), 'training').scope;
    const rates = [...masks.values()].map(({ name, rate }) => `${name} ${rate}`);
    const names = ['ffn2.attention 0.125', 'ffn2.mlp 0.125', 'ffn3.attention 0.25', 'ffn3.mlp 0.25'];
    assert.deepEqual(
      rates,
      names.map((name) => `mask/${name}`),
    );
  });
});

describe('profile', () => {
  it('arrives at the published numbers', () => {
    const { parameters, macs, dropped, executed } = profile(posterV2Network(posterV2Config));
    assert.equal(parameters.published, 58_316_594);
    assert.equal(parameters.reachingLogits, 43_753_941);
    assert.equal(parameters.trained, 42_842_709);
    assert.equal(macs.layers, 8_435_375_360);
    assert.deepEqual(dropped, { title: 'landmark head', macs: 8_435_470_080 - macs.layers });
    assert.equal(macs.attention, 157_028_864);
    // By hand: the transformer's linear layers, window attention's, their MLPs', the last embedding's, two gates' and the head.
    const [tokens, width] = [147, 768];
    const blocks = 2 * (tokens + 1) * 12 * width ** 2;
    const windows = [
      [64, 784],
      [128, 196],
      [256, 49],
    ].reduce((sum, [channels = 0, positions = 0]) => sum + positions * 11 * channels ** 2, 0);
    const rest = 49 * 256 * width + 2 * width ** 2 + 7 * width;
    assert.equal(macs.layers - macs.convolutions, blocks + windows + rest);
    assert.equal(
      [...macs.parts.values()].reduce((a, b) => a + b, 0),
      macs.layers,
    );
    assert.equal(
      [...parameters.parts.values()].reduce((a, b) => a + b, 0),
      parameters.reachingLogits,
    );
    assert.ok(executed.layers < 0.95 * macs.layers);
  });

  it('knows that other sizes were never published', () => {
    const { parameters } = profile(posterV2Network(posterV2NanoConfig));
    assert.equal(parameters.published, undefined);
    assert.equal(parameters.reachingLogits, parameters.trained);
    assert.ok(parameters.trained < 4_600_000);
    assert.equal(profile(posterV2Network({ ...posterV2Config, numClasses: 8 })).parameters.published, 58_316_594 + 769);
  });
});

describe('configurations', () => {
  const nano = posterV2NanoConfig;
  const scale3 = nano.attention[2];
  assert.ok(nano.landmark !== 'none');
  const variants: readonly [string, PosterV2Config][] = [
    ['nano', nano],
    ['no landmark branch', { ...nano, landmark: 'none' }],
    ['frozen landmarks', { ...nano, landmark: { ...nano.landmark, training: 'frozen' } }],
    [
      'smaller windows',
      { ...nano, attention: [{ ...nano.attention[0], window: 4 }, { ...nano.attention[1], window: 2 }, scale3] },
    ],
    [
      'smaller windows without landmarks',
      { ...nano, landmark: 'none', attention: [{ ...nano.attention[0], window: 6 }, nano.attention[1], scale3] },
    ],
    ['the coarsest scale alone', { ...nano, scales: [3] }],
    ['the finest scale alone', { ...nano, scales: [1] }],
    ['one block', { ...nano, transformer: { ...nano.transformer, blocks: 1 } }],
    [
      'an odd size',
      {
        ...nano,
        imageSize: 100,
        backboneSize: 50,
        attention: [
          { ...nano.attention[0], window: 13 },
          { ...nano.attention[1], window: 7 },
          { ...scale3, window: 4 },
        ],
      },
    ],
  ];
  for (const [name, config] of variants) {
    it(`${name}: survives a checkpoint and trains every parameter`, () => {
      const parsed = parsePosterV2Config(JSON.parse(JSON.stringify(config)));
      assert.deepEqual(parsed, config);
      const { given, trained } = gradientNames(parsed);
      assert.deepEqual(given, trained);
      assert.deepEqual(buildInference(posterV2Network(parsed)).graph.outputs.get('logits')?.shape, ['N', 8]);
    });
  }

  const bad: readonly [string, unknown, RegExp][] = [
    ['nothing', undefined, /does not have the expected content/],
    ['an unknown key', { ...nano, surprise: 1 }, /surprise/],
    [
      'a window that divides nothing',
      { ...nano, attention: [{ ...nano.attention[0], window: 5 }, nano.attention[1], scale3] },
      /windows of 5 do not divide the map of 12x12 at scale 1/,
    ],
    ['a size between pixels', { ...nano, imageSize: 100 }, /images of 100 pixels cannot be sampled to 48/],
    ['scales twice', { ...nano, scales: [1, 1] }, /ascending/],
    ['no scales', { ...nano, scales: [] }, /scales/],
    [
      'branches of other widths',
      { ...nano, landmark: posterV2Config.landmark },
      /64 channels at scale 1 and the image branch 32/,
    ],
    [
      'heads that do not divide',
      { ...nano, transformer: { ...nano.transformer, heads: 7 } },
      /256 does not divide into 7 heads/,
    ],
    ['a width without end', { ...nano, image: { ...nano.image, stem: 1e9 } }, /image\.stem/],
    [
      'a rate of 1',
      { ...nano, attention: [{ ...nano.attention[0], dropPath: 1 }, nano.attention[1], scale3] },
      /dropPath/,
    ],
  ];
  for (const [name, value, message] of bad) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => parsePosterV2Config(value),
        (error) => error instanceof UserError && message.test(error.message),
      );
    });
  }

  it('refuses unknown names', () => {
    assert.equal(modelNamed('poster-v2-nano').preprocessing.channels, 1);
    assert.throws(() => modelNamed('toString'), /no model called 'toString': choose one of arm, .*poster-v2-nano/);
  });
});
