import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { UserError } from '../src/common/errors.js';
import { random } from '../src/common/random.js';
import { explain, loadExplainer } from '../src/explain/explain.js';
import type { PosterV2Config } from '../src/models/index.js';
import { saveModel } from '../src/node/checkpoints/index.js';
import { loadClassifier } from '../src/recognize/classifier.js';
import { temporaryFolder, tinyCheckpoint, tinyConfig, writePictures } from '../src/recognize/helpers.test.js';

const picture = Float32Array.from({ length: 256 }, (_, i) => random(2, i).normal());
const sum = (values: Float32Array): number => values.reduce((a, b) => a + b, 0);

function assertNear(actual: number, expected: number, tolerance = 1e-5): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

/** A checkpoint whose attention does something: layer scale starts so small that nothing behind it would show. */
async function save(t: TestContext, config: PosterV2Config): Promise<string> {
  const path = join(await temporaryFolder(t), 'tiny.safetensors');
  const checkpoint = tinyCheckpoint(config);
  const stream = random(3);
  for (const [name, { data }] of checkpoint.parameters) {
    if (/gamma1$|qkv\.weight$|head\.linear\.weight$/.test(name)) data.set(data.map(() => stream.normal()));
  }
  await saveModel(path, checkpoint);
  return path;
}

const twoBlocks: PosterV2Config = { ...tinyConfig, transformer: { ...tinyConfig.transformer, blocks: 2 } };
const configs: readonly [string, PosterV2Config][] = [
  ['one window a scale', twoBlocks],
  [
    'several windows, three blocks',
    {
      ...tinyConfig,
      attention: [
        { window: 2, heads: 2, dropPath: 0 },
        { window: 1, heads: 2, dropPath: 0 },
        { window: 1, heads: 2, dropPath: 0 },
      ],
      transformer: { ...tinyConfig.transformer, blocks: 3 },
    },
  ],
  ['scales 2 and 3 alone', { ...twoBlocks, scales: [2, 3] }],
];

for (const [name, config] of configs) {
  test(`attention is a distribution: ${name}`, async (t) => {
    const path = await save(t, config);
    const explainer = await loadExplainer(path, { threads: 1 });
    const { scales, classToken, scores, target } = await explainer.explain(picture);
    await explainer.dispose();

    assert.deepEqual(
      scales.map(({ scale, attention }) => [scale, attention.side]),
      config.scales.map((scale) => [scale, [4, 2, 1][scale - 1]]),
    );
    for (const { attention, heads, relevance, share, scale } of scales) {
      const positions = attention.side ** 2;
      assert.equal(heads.length, (config.attention[scale - 1]?.heads ?? 0) * positions);
      for (let h = 0; h < heads.length; h += positions) assertNear(sum(heads.subarray(h, h + positions)), 1);
      assertNear(sum(attention.values), 1);
      attention.values.forEach((value, i) => {
        const own = heads.filter((_, at) => at % positions === i);
        assertNear(value, sum(own) / own.length);
      });
      assert.equal(relevance.values.length, positions);
      assert.ok(relevance.values.every((value) => value >= 0));
      assert.ok(share > 0);
    }
    assert.ok(scales.some(({ relevance }) => sum(relevance.values) > 0));

    assert.ok(classToken);
    const tokens = 1 + config.scales.length;
    assert.equal(classToken.heads.length, config.transformer.heads * tokens);
    for (let h = 0; h < config.transformer.heads; h++) {
      assertNear(sum(classToken.heads.subarray(h * tokens, (h + 1) * tokens)), 1);
    }
    for (const { itself, all, scales: maps } of [classToken.attention, classToken.rollout]) {
      assertNear(itself + sum(all.values), 1);
      assertNear(
        maps.reduce((total, { values }) => total + sum(values), 0),
        sum(all.values),
      );
    }
    const { relevance } = classToken;
    assert.ok(relevance.itself >= 0 && relevance.all.values.every((value) => value >= 0));
    assert.ok(sum(relevance.all.values) > 0);

    // The network is the same that classifies.
    const classifier = await loadClassifier(path, { threads: 1 });
    const { logits } = await classifier.classify(picture, 1);
    await classifier.dispose();
    assert.equal(target, scores[0]?.label);
    for (const { label, logit } of scores) {
      assertNear(logit, logits[classifier.labels.labels.indexOf(label)] ?? Number.NaN);
    }
  });
}

test('with one block, rollout is half the attention and relevance needs no other block', async (t) => {
  const explainer = await loadExplainer(await save(t, tinyConfig), { threads: 1 });
  const { classToken } = await explainer.explain(picture);
  await explainer.dispose();
  assert.ok(classToken);
  const { attention, rollout } = classToken;
  assertNear(rollout.itself, (1 + attention.itself) / 2);
  assertNear(rollout.all.values[0] ?? 0, (attention.all.values[0] ?? 0) / 2);
});

test('relevance is for the class asked for; attention is not of a class', async (t) => {
  const explainer = await loadExplainer(await save(t, twoBlocks), { threads: 1 });
  const folder = await temporaryFolder(t);
  await writePictures(folder, ['a'], 1);
  const source = join(folder, 'a', '0.png');
  const happy = await explain(explainer, source, 'happy');
  const sad = await explain(explainer, source, 'Sadness'); // a synonym
  assert.deepEqual([happy.target, sad.target], ['happy', 'sad']);
  assert.ok(happy.classToken && sad.classToken);
  assert.deepEqual(happy.classToken.attention, sad.classToken.attention);
  assert.notDeepEqual(happy.classToken.relevance, sad.classToken.relevance);
  await assert.rejects(explain(explainer, source, 'bored'), (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, /does not know the class 'bored'; it knows happy, neutral, sad/);
    return true;
  });
  await explainer.dispose();
});
