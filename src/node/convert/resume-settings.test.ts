import assert from 'node:assert/strict';
import { test } from 'node:test';
import { affectnet8, caers, ferplus, rafdb } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';
import { modelNamed } from '../../models/index.js';
import { resumeSettings } from './resume-settings.js';
import type { Source } from './source.js';

function source(labels: LabelSet, options?: Readonly<Record<string, unknown>>, learningRate?: number): Source {
  const { network, preprocessing } = modelNamed('poster-v2');
  const training = { command: '', seed: 0, epoch: 10, metrics: {}, dataset: '', versions: {} };
  return {
    path: 'x.pth',
    description: {
      model: { name: 'poster-v2', config: network.config },
      labels,
      preprocessing,
      ...(options === undefined ? {} : { training: { ...training, options } }),
    },
    network,
    parameters: new Map(),
    rest: new Map(),
    surplus: [],
    training: { hasOptimizer: false, ...(learningRate === undefined ? {} : { learningRate }) },
    headTensors: new Map(),
    hadTrainState: false,
  };
}

const near = (value: number, wanted: number): void => assert.ok(Math.abs(value / wanted - 1) < 1e-12, `${value}`);

test('the published script goes on at the rate of the run itself', () => {
  const run = { lr: 1e-6, schedule: 'exponential', gamma: 0.98, warmUp: 0, epochs: 200, rho: 0.1, weightDecay: 1e-4 };
  const { settings, from } = resumeSettings(source(affectnet8, run), 10);
  near(settings.learningRate, 1e-6 * 0.98 ** 10);
  assert.deepEqual([settings.initialLearningRate, settings.rho, settings.weightDecay], [1e-6, 0.1, 1e-4]);
  assert.match(from, /the run that made it/);
  const gentle = resumeSettings(source(rafdb, { ...run, gamma: 0.9 }), 3).settings;
  near(gentle.learningRate, 1e-6 * 0.9 ** 3);
  // Half of half a cosine.
  near(resumeSettings(source(rafdb, { ...run, schedule: 'cosine' }), 100).settings.learningRate, 5e-7);
});

test('of files of others, at the rate of their optimizer, else at that of the recipe for their classes', () => {
  near(resumeSettings(source(rafdb, undefined, 7e-6), 10).settings.learningRate, 7e-6);
  for (const [labels, rate] of [
    [rafdb, 3.5e-5],
    [affectnet8, 1e-6],
    [caers, 4e-5],
    [ferplus, 3.5e-5],
  ] as const) {
    const { settings, from } = resumeSettings(source(labels), 10);
    near(settings.learningRate, rate * 0.98 ** 10);
    assert.match(from, /since x\.pth has none/);
  }
});
