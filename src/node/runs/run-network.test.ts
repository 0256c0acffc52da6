import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rafdb } from '../../common/label-sets.js';
import { buildInference, type PosterV2Config, parsePosterV2Config } from '../../models/index.js';
import { trainingProgram } from '../../train/program.js';
import { parseRun, parseStoredRun, type RunOptions } from './options.js';
import { defaultRun, runFor } from './recipes.js';
import { networkOf } from './run-network.js';

test('ablations of the paper are options of a run', () => {
  const run = defaultRun('poster-v2-nano', 'faces');
  const names = (changes: object): string[] => {
    const { network } = networkOf(parseRun({ ...run, ...changes }), rafdb);
    return [...buildInference(network).parameters.keys()];
  };
  const all = names({});
  assert.ok(all.some((name) => name.startsWith('face_landback.')));
  assert.ok(all.some((name) => name.startsWith('VIT.blocks.1.')));
  assert.ok(!names({ landmark: 'none' }).some((name) => name.startsWith('face_landback.')));
  assert.ok(!names({ blocks: 1 }).some((name) => name.startsWith('VIT.blocks.1.')));
  assert.ok(!names({ scales: [2, 3] }).some((name) => name.startsWith('attn1.')));
  const config = configOf(parseRun({ ...run, windows: [6, 3, 3] }));
  assert.deepEqual(
    config.attention.map(({ window }) => window),
    [6, 3, 3],
  );
  assert.equal(config.numClasses, 7);
});

test('what does not fit is refused in a sentence', () => {
  const run = defaultRun('poster-v2-nano', 'faces');
  assert.throws(() => parseRun({ ...run, scales: [4] }), { settings: ['network:scales'] });
  // In words of ours, whether an option is a network's or any run's.
  assert.throws(() => parseRun({ ...run, blocks: 65 }), {
    message: 'The value of blocks cannot be used: it must be at most 64.',
  });
  assert.throws(() => parseRun({ ...run, epochs: 1.5 }), {
    message: /^The value of epochs .*: it must be a whole number\.$/,
  });
  assert.throws(() => parseRun({ ...run, dropPath: 1 }), { message: /it must be less than 1\.$/ });
  assert.throws(() => parseRun({ ...run, batchSize: 0 }), { settings: ['batchSize'] });
  for (const count of [1, 1001]) {
    const labels = Array.from({ length: count }, (_, i) => `class ${i}`);
    assert.throws(() => networkOf(run, { name: 'faces', labels }), /faces has \d+ class.*tells 2 to 1000 apart; add/);
  }
  assert.throws(() => networkOf({ ...run, windows: [5, 3, 3] }, rafdb), /window/);
});

test('a run records what becomes of its landmark branch', () => {
  const nano = defaultRun('poster-v2-nano', 'faces');
  assert.equal(nano['landmark'], 'trained');
  assert.equal(runFor({ data: 'faces', model: 'poster-v2-nano', given: { asPublished: true } })['landmark'], 'trained');
  for (const landmark of ['frozen', 'as-published'] as const) {
    assert.throws(() => networkOf({ ...nano, landmark }, rafdb), /landmark branch of poster-v2-nano .*never '\w/);
    // Early versions recorded it, and trained the branch.
    assert.equal(parseStoredRun({ ...nano, landmark })['landmark'], 'trained');
    const published = { ...defaultRun('poster-v2', 'faces'), landmark };
    assert.equal(parseStoredRun(published)['landmark'], landmark);
    assert.equal(landmarkTraining(published), landmark);
  }
  assert.equal(parseStoredRun({ ...nano, landmark: 'none' })['landmark'], 'none');
  assert.equal(landmarkTraining(nano), 'trained');
  assert.equal(landmarkTraining({ ...defaultRun('poster-v2', 'faces'), landmark: 'trained' }), 'trained');
});

test('the published landmark branch can be trained', () => {
  const trained = (landmark: 'frozen' | 'trained'): number => {
    const { network } = networkOf({ ...defaultRun('poster-v2', 'faces'), landmark }, rafdb);
    return [...trainingProgram(network, { device: 'cpu' }).trained.keys()].filter((name) =>
      name.startsWith('face_landback.'),
    ).length;
  };
  assert.equal(trained('frozen'), 0);
  assert.ok(trained('trained') > 100);
});

const configOf = (run: RunOptions): PosterV2Config => parsePosterV2Config(networkOf(run, rafdb).network.config);

function landmarkTraining(run: RunOptions): string {
  const { landmark } = configOf(run);
  return landmark === 'none' ? 'none' : landmark.training;
}
