import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rafdb } from '../common/label-sets.js';
import { buildInference } from '../models/index.js';
import { networkOf } from './network.js';
import { parseRun } from './options.js';
import { defaultRun } from './recipes.js';

test('ablations of the paper are options of a run', () => {
  const run = defaultRun('poster-v2-nano', 'faces');
  const names = (changes: object): string[] => {
    const { config } = networkOf(parseRun({ ...run, ...changes }), rafdb);
    return [...buildInference(config).parameters.keys()];
  };
  const all = names({});
  assert.ok(all.some((name) => name.startsWith('face_landback.')));
  assert.ok(all.some((name) => name.startsWith('VIT.blocks.1.')));
  assert.ok(!names({ landmark: 'none' }).some((name) => name.startsWith('face_landback.')));
  assert.ok(!names({ blocks: 1 }).some((name) => name.startsWith('VIT.blocks.1.')));
  assert.ok(!names({ scales: [2, 3] }).some((name) => name.startsWith('attn1.')));
  const { config } = networkOf(parseRun({ ...run, windows: [6, 3, 3] }), rafdb);
  assert.deepEqual(
    config.attention.map(({ window }) => window),
    [6, 3, 3],
  );
  assert.equal(config.numClasses, 7);
});

test('what does not fit is refused in a sentence', () => {
  const run = defaultRun('poster-v2-nano', 'faces');
  assert.throws(() => parseRun({ ...run, scales: [4] }), /--scales/);
  assert.throws(() => parseRun({ ...run, batchSize: 0 }), /--batch-size/);
  for (const count of [1, 1001]) {
    const labels = Array.from({ length: count }, (_, i) => `class ${i}`);
    assert.throws(() => networkOf(run, { name: 'faces', labels }), /faces has \d+ class.*tells 2 to 1000 apart; add/);
  }
  assert.throws(() => networkOf({ ...run, windows: [5, 3, 3] }, rafdb), /window/);
});
