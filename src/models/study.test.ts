import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradients } from '../autodiff/index.js';
import { input } from '../graph/index.js';
import { reduceMean, softmaxCrossEntropy } from '../ops/index.js';
import { buildForward, buildInference } from './build.js';
import type { ConfiguredNetwork } from './configured-network.js';
import { modelNamed, modelNames, parseNetwork } from './registry.js';
import { studyArms } from './study.js';
import { studyNames } from './study-names.js';

const armsOf = (model: string): (readonly [name: string, network: ConfiguredNetwork])[] => {
  const { network } = modelNamed(model);
  return studyNames.flatMap((study) =>
    (network.family.studiesOf(model).get(study) ?? []).map(({ name, options }) => {
      const landmark = model.endsWith('-nano') ? { landmark: 'trained' } : {};
      return [`${study}/${name}`, network.family.withOptions(model, 7, { ...landmark, ...options })] as const;
    }),
  );
};

/** Names of trained parameters that a loss on the logits gives gradients, and of all trained ones. */
function gradientNames(network: ConfiguredNetwork): { readonly given: string[]; readonly trained: string[] } {
  const { logits, scope } = buildForward(network, 'training');
  const loss = reduceMean(softmaxCrossEntropy(logits, input('targets', 'float32', logits.shape)), [0]);
  const trained = [...scope.parameters.values()].filter((spec) => spec.trained).map(({ name }) => name);
  const leaves = trained.flatMap((name) => scope.leaves.get(name) ?? []);
  const results = gradients(loss, leaves);
  return { given: trained.filter((_, i) => results[i] !== undefined), trained };
}

test('every arm is a network whose parameters all have gradients, and is read back as itself', () => {
  for (const model of ['poster-v1-nano', 'poster-v2-nano']) {
    for (const [arm, network] of armsOf(model)) {
      const { given, trained } = gradientNames(network);
      assert.deepEqual(given, trained, arm);
      const read = parseNetwork({ name: model, config: JSON.parse(JSON.stringify(network.config)) }, arm);
      assert.deepEqual(read.config, network.config, arm);
    }
  }
});

test('an arm lacks what its study is about', () => {
  const parametersOf = (model: string): Map<string, readonly string[]> =>
    new Map(armsOf(model).map(([arm, network]) => [arm, [...buildInference(network).parameters.keys()]]));
  const has = (names: readonly string[] | undefined, pattern: RegExp): boolean =>
    names?.some((name) => pattern.test(name)) === true;
  const [v1, v2] = [parametersOf('poster-v1'), parametersOf('poster-v2')];
  for (const [arms, arm, whole, pattern] of [
    [v1, 'two-stream/landmark-to-image', 'two-stream/both', /\.(attn_lm|mlp2|norm3|norm4)\./],
    [v1, 'multi-scale/one-scale', 'multi-scale/pyramid', /\.(block_[ms]|(down|up)sample_\w)\./],
    [v2, 'cross-fusion/vanilla', 'cross-fusion/window', /relative_position_bias_table/],
    [v2, 'two-stream/image-alone', 'two-stream/landmark-to-image', /^face_landback\./],
    [v2, 'multi-scale/one-scale', 'multi-scale/stages', /^(attn|conv|ffn)[12]\./],
    [v2, 'multi-scale/pyramid', 'multi-scale/stages', /^embed_q\.0\./],
  ] as const) {
    assert.ok(has(arms.get(whole), pattern), whole);
    assert.ok(!has(arms.get(arm), pattern), arm);
  }
  // What is no published network is not taken for one.
  for (const [model, whole] of [
    ['poster-v1', ['two-stream/both', 'multi-scale/pyramid']],
    ['poster-v2', ['cross-fusion/window', 'two-stream/landmark-to-image', 'multi-scale/stages', 'window/whole-maps']],
  ] as const) {
    const published = armsOf(model).filter(([, network]) => network.published?.exists === true);
    assert.deepEqual(
      published.map(([arm]) => arm),
      whole,
    );
  }
});

test('the pyramid has as many tokens at every scale as the last, of the same three widths', () => {
  const taps = (options: object): Map<string, readonly unknown[]> => {
    const { network } = modelNamed('poster-v2');
    const { scope } = buildForward(network.family.withOptions('poster-v2', 7, { ...options }), 'inference');
    return new Map([...scope.taps].map(([name, value]) => [name, value.shape]));
  };
  const [stages, pyramid] = [taps({}), taps({ multiScale: 'pyramid' })];
  assert.deepEqual(stages.get('tokens'), pyramid.get('tokens'));
  assert.deepEqual(
    [1, 2, 3].map((scale) => pyramid.get(`window${scale}`)?.slice(1)),
    [
      [49, 64],
      [49, 128],
      [49, 256],
    ],
  );
});

test('every network says which ablations it has', () => {
  const has = modelNames.map((name) => [...modelNamed(name).network.family.studiesOf(name).keys()].join(' '));
  const v1 = 'two-stream multi-scale';
  const expected: Readonly<Record<string, string>> = {
    ...{ 'poster-v2': studyNames.join(' '), 'poster-v2-nano': studyNames.join(' ') },
    ...{
      'poster-v1': v1,
      'poster-v1-base': v1,
      'poster-v1-small': v1,
      'poster-v1-affectnet': v1,
      'poster-v1-nano': v1,
    },
  };
  assert.deepEqual(
    has,
    modelNames.map((name) => expected[name] ?? ''),
  );
  assert.throws(() => studyArms('ir50', 'window'), {
    name: 'UserError',
    message: 'ir50 has no ablation window: it has none; window is of poster-v2, poster-v2-nano.',
  });
});
