import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../metrics/index.js';
import { measurementsTable, spreadOf } from './measurements.js';

/** `right` of four pictures of two classes are recognised, all of them with certainty. */
const measured = (right: number) =>
  evaluate([0, 1, 0, 1], {
    classes: 2,
    data: Float32Array.from(
      [0, 1, 0, 1].flatMap((label, i) => (i < right ? [99 - 99 * label, 99 * label] : [99 * label, 99 - 99 * label])),
    ),
  });

test('mean and deviation over folds', () => {
  const evaluations = [measured(2), measured(4)];
  const { accuracy, ece, brier } = spreadOf(evaluations);
  assert.deepEqual(accuracy, { count: 2, mean: 0.75, deviation: Math.SQRT1_2 / 2 });
  // Certain of all: wrong by as much as is wrong; each mistake costs 2.
  assert.deepEqual([ece.mean, brier.mean], [0.25, 0.5]);
  assert.equal(
    measurementsTable(
      'fold',
      evaluations.map((evaluation, i) => ({ name: String(i + 1), evaluation })),
    ),
    [
      'fold       pictures  accuracy %  mean-class %  macro-F1 %  ECE %',
      '1                 4       50.00         50.00       50.00  50.00',
      '2                 4      100.00        100.00      100.00   0.00',
      'mean                      75.00         75.00       75.00  25.00',
      'deviation                 35.36         35.36       35.36  35.36',
    ].join('\n'),
  );
});

test('of a single one there is no deviation', () => {
  assert.match(measurementsTable('seed', [{ name: '1', evaluation: measured(4) }]), /^deviation( +-){4}$/m);
});
