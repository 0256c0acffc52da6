import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gradients } from '../../autodiff/index.js';
import { UserError } from '../../common/errors.js';
import { rafdb } from '../../common/label-sets.js';
import { input } from '../../graph/index.js';
import { reduceMean, softmaxCrossEntropy } from '../../ops/index.js';
import { buildForward, buildInference } from '../build.js';
import type { ConfiguredNetwork } from '../configured-network.js';
import { describeUndescribed, identifyModel, type TensorShapes } from '../identify.js';
import { profile } from '../profile.js';
import { modelNamed } from '../registry.js';
import { posterV1Family, posterV1Network } from './definition.js';
import { checkPosterV1Config, posterV1Config, posterV1NanoConfig } from './poster-v1-config.js';

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../../test/fixtures/golden-v1/${name}`, import.meta.url), 'utf8'));

/** All floating-point tensors of a published checkpoint. */
function publishedShapes(name: string, classes: number): Map<string, readonly number[]> {
  const network = modelNamed(name).network.withClasses(classes);
  const specs = [...buildInference(network).parameters.values(), ...(network.published?.unread().values() ?? [])];
  return new Map(specs.map((spec) => [spec.name, spec.shape]));
}

/** Names of trained parameters that a loss on the logits gives gradients, and of all trained ones. */
function gradientNames(network: ConfiguredNetwork): { readonly given: string[]; readonly trained: string[] } {
  const { logits, scope } = buildForward(network, 'training');
  const loss = reduceMean(softmaxCrossEntropy(logits, input('targets', 'float32', logits.shape)), [0]);
  const trained = [...scope.parameters.values()].filter((spec) => spec.trained).map(({ name }) => name);
  const slopes = gradients(
    loss,
    trained.flatMap((name) => scope.leaves.get(name) ?? []),
  );
  return { given: trained.filter((_, i) => slopes[i] !== undefined), trained };
}

const problemOf = (shapes: TensorShapes, model?: string): string => {
  try {
    describeUndescribed('x.pth', shapes, { labels: rafdb, ...(model === undefined ? {} : { model }) });
  } catch (error) {
    return error instanceof UserError ? error.message : String(error);
  }
  return '';
};

describe('poster-v1', () => {
  for (const [name, file] of [
    ['poster-v1-small', 'state-dict-small-raf-7.json'],
    ['poster-v1-affectnet', 'state-dict-large-affect-7.json'],
  ] as const) {
    it(`${name} with its dead tensors and counters holds exactly what published checkpoints hold`, () => {
      const published = golden(file) as Record<string, { shape: number[]; dtype: string }>;
      const ours = publishedShapes(name, 7);
      for (const norm of [...ours.keys()].filter((one) => one.endsWith('.running_var'))) {
        ours.set(norm.replace('running_var', 'num_batches_tracked'), []);
      }
      assert.deepEqual([...ours.keys()].sort(), Object.keys(published).sort());
      for (const [tensor, shape] of ours) assert.deepEqual(shape, published[tensor]?.shape, tensor);
    });
  }

  it("takes IR-50's tensors by POSTER V2's names for them, whose stages are counted by themselves", () => {
    const inV1 = new Set(publishedShapes('poster-v1', 7).keys());
    const images = [...buildInference(modelNamed('poster-v2').network).parameters.keys()].filter((name) =>
      name.startsWith('ir_back.'),
    );
    const names = images.map((name) => posterV1Family.rename(name));
    assert.ok(
      names.includes('ir_back.body.7.res_layer.1.weight') && names.includes('ir_back.body.20.res_layer.1.weight'),
    );
    assert.equal(new Set(names).size, images.length);
    for (const name of names) assert.ok(inV1.has(name), name);
    // Its own names stay, and so do other parts'.
    for (const name of ['ir_back.body.3.res_layer.0.weight', 'face_landback.body1.0.weight']) {
      assert.equal(posterV1Family.rename(name), name);
    }
  });

  it('counts parameters and work as the published code does', () => {
    const counted = (
      [
        ['poster-v1', 7],
        ['poster-v1', 8],
        ['poster-v1-base', 7],
        ['poster-v1-small', 7],
        ['poster-v1-affectnet', 7],
        ['poster-v1-affectnet', 8],
      ] as const
    ).map(([name, classes]) => {
      const { parameters, macs, dropped } = profile(modelNamed(name).network.withClasses(classes));
      assert.equal(dropped?.macs, 94_720);
      return [parameters.published, parameters.reachingLogits, macs.layers, macs.attention];
    });
    assert.deepEqual(counted, [
      [71_850_399, 58_906_255, 7_785_190_912, 71_680_000],
      [71_850_912, 58_906_768, 7_785_191_424, 71_680_000],
      [62_039_767, 49_095_623, 7_270_221_312, 53_760_000],
      [52_229_135, 39_284_991, 6_755_251_712, 35_840_000],
      [71_607_999, 56_823_727, 7_713_510_912, 71_680_000],
      [71_608_512, 56_824_240, 7_713_511_424, 71_680_000],
    ]);
    const { parts } = profile(modelNamed('poster-v1').network).macs;
    assert.equal(parts.get('pyramid_fuse'), 2_070_118_400);
    assert.equal(profile(modelNamed('poster-v1-nano').network).parameters.published, undefined);
  });

  it('gives every trained parameter a gradient, and moves the landmark branch only as published', () => {
    for (const mixing of [true, false]) {
      const network = posterV1Network({ ...posterV1NanoConfig, fusion: { ...posterV1NanoConfig.fusion, mixing } });
      const { given, trained } = gradientNames(network);
      assert.deepEqual(given, trained);
    }
    const moved = (training: 'frozen' | 'as-published'): string[] => {
      const landmark = { ...posterV1Config.landmark, training };
      return [...buildForward(posterV1Network({ ...posterV1Config, landmark }), 'training').scope.updates.keys()];
    };
    assert.ok(!moved('frozen').some((name) => name.startsWith('face_landback.')));
    assert.ok(moved('as-published').includes('face_landback.output_layer.bn.running_mean'));
  });

  it('skips each branch of a block at one rate, which grows from 0 in the first block', () => {
    const { masks } = buildForward(posterV1Network(posterV1NanoConfig), 'training').scope;
    const branches = ['attn_img', 'mlp1', 'attn_lm', 'mlp2'];
    const scales = ['l', 'm', 's'].flatMap((scale) => branches.map((branch) => `block_${scale}.${branch}`));
    assert.deepEqual(
      [...masks.values()].map(({ name, rate }) => `${name} ${rate}`),
      scales.map((name) => `mask/pyramid_fuse.blocks.1.${name} 0.1`),
    );
  });

  it('is known by its tensors, and what is given as another network is named', () => {
    for (const [name, classes] of [
      ['poster-v1', 7],
      ['poster-v1-base', 8],
      ['poster-v1-small', 7],
      ['poster-v1-affectnet', 8],
    ] as const) {
      const found = identifyModel(publishedShapes(name, classes));
      assert.deepEqual([found?.name, found?.config.numClasses], [name, classes]);
    }
    const [v1, v2] = [publishedShapes('poster-v1', 7), publishedShapes('poster-v2', 7)];
    assert.equal(problemOf(v1), '');
    assert.match(
      problemOf(v1, 'poster-v2'),
      /^x\.pth holds a poster-v1, not a poster-v2: it has no ir_back\.body1\.0\..*, .* and \d+ more; leave the model out\.$/,
    );
    assert.match(problemOf(v2, 'poster-v1'), /holds a poster-v2, not a poster-v1: it has no ir_back\.body\.0\./);
    assert.match(
      problemOf(v1, 'poster-v1-small'),
      /holds a poster-v1, not a poster-v1-small: its pyramid_fuse\.blocks\.4\..* is unknown/,
    );
    assert.match(
      problemOf(publishedShapes('poster-v1-affectnet', 7), 'poster-v1'),
      /not a poster-v1: it has no pyramid_fuse\.blocks\.0\.block_l\.conv\.weight, /,
    );
    assert.match(
      problemOf(publishedShapes('poster-v1', 8)),
      /has 8 outputs, and RAF-DB has 7 labels \(its head\.linear\.weight is \[8, 512\]\)/,
    );
  });

  it('refuses sizes that do not fit together', () => {
    const nano = posterV1NanoConfig;
    for (const [config, problem] of [
      [{ ...nano, imageSize: 100 }, /images of 100 pixels cannot be sampled to 48/],
      [{ ...nano, channelOrder: 'bgr' as const }, /gray pictures have no order of colours/],
      [{ ...nano, fusion: { ...nano.fusion, embedding: 128 } }, /ends in 256 channels and a token has 128/],
      [
        { ...nano, fusion: { ...nano.fusion, heads: 7 } },
        /a quarter of an embedding of 256 does not divide into 7 heads/,
      ],
    ] as const) {
      assert.throws(() => checkPosterV1Config(config), { name: 'UserError', message: problem });
    }
  });
});
