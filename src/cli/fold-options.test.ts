import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../common/errors.js';
import type { ModelDescription } from '../safetensors/index.js';
import { foldToMeasure } from './fold-options.js';

const plain: ModelDescription = {
  model: { name: 'tiny', config: {} },
  labels: { name: 'two', labels: ['happy', 'sad'] },
  preprocessing: { imageSize: 16, channels: 1, mean: [0.5], std: [0.25] },
};
const kept: ModelDescription = {
  ...plain,
  training: {
    command: 'poster train',
    seed: 7,
    epoch: 1,
    metrics: {},
    dataset: 'faces',
    versions: {},
    protocol: {
      dataset: 'faces',
      trainSplit: 'train',
      selectionSplit: null,
      selection: 'a tenth',
      fold: { index: 2, count: 5, seed: 7 },
    },
  },
};

const refused = (run: () => unknown, pattern: RegExp): void => {
  assert.throws(run, (error) => {
    assert.ok(error instanceof UserError && error.kind === 'usage', String(error));
    assert.match(error.message, pattern);
    return true;
  });
};

test('what is not given is what the weights were trained without', () => {
  assert.deepEqual(foldToMeasure({ folds: 5 }, kept, 'w'), { index: 2, count: 5, seed: 7 });
  assert.deepEqual(foldToMeasure({ fold: 3 }, kept, 'w'), { index: 3, count: 5, seed: 7 });
  assert.deepEqual(foldToMeasure({ folds: 4, fold: 1, seed: 0 }, kept, 'w'), { index: 1, count: 4, seed: 0 });
  assert.deepEqual(foldToMeasure({ folds: 4, fold: 1 }, plain, 'w'), { index: 1, count: 4, seed: 0 });
  assert.equal(foldToMeasure({}, kept, 'w'), undefined);
});

test('what nobody says is asked for', () => {
  refused(() => foldToMeasure({ folds: 5 }, plain, 'w'), /w does not say which of 5 folds.*--fold/);
  refused(() => foldToMeasure({ folds: 4 }, kept, 'w'), /without fold 2 of 5, not of 4; give --folds 5/);
  refused(() => foldToMeasure({ fold: 1 }, plain, 'w'), /into how many folds.*--folds/);
  refused(() => foldToMeasure({ seed: 1 }, plain, 'w'), /--seed.*--folds/);
});
