import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../common/errors.js';
import { ferplus } from '../../common/label-sets.js';
import { trainingProgram } from '../../train/program.js';
import { defaultRun } from './recipes.js';
import { networkOf } from './run-network.js';
import { checkSavable, type RunRecord } from './save.js';

test('what saving would refuse is a sentence before training', () => {
  const run = defaultRun('poster-v2-nano', 'faces');
  const { network, description } = networkOf(run, ferplus);
  const record: RunRecord = {
    run,
    description,
    program: trainingProgram(network, { device: 'cpu' }),
    command: 'poster train',
    dataset: 'faces',
    protocol: { dataset: 'faces', trainSplit: 'train', selectionSplit: null, selection: '10% held out' },
    data: { train: 'a', validation: 'b' },
    teachers: [],
    commit: null,
  };
  checkSavable(record);
  const wrong: [Partial<RunRecord>, RegExp][] = [
    [
      { description: { ...description, labels: { name: 'x', labels: ['a\u202e', 'b'] } } },
      /at labels\.labels\.0: it has .*U\+202E/,
    ],
    [{ description: { ...description, labels: { name: 'x', labels: ['a', 'a'] } } }, /a label occurs twice/],
    [{ run: { ...run, seed: 2 ** 60 } }, /seed/],
  ];
  for (const [change, sentence] of wrong) {
    assert.throws(
      () => checkSavable({ ...record, ...change }),
      (error) => error instanceof UserError && sentence.test(error.message),
    );
  }
});
