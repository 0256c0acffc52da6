import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, type Figures, figuresOf, spreadOf } from '../../metrics/index.js';
import { measurementsTable } from './measurements.js';

/** `right` of four pictures of two classes are recognised, all of them with certainty. */
function measured(right: number): Figures {
  const rows = [0, 1, 0, 1].map((label, i) => {
    const predicted = i < right ? label : 1 - label;
    return [999 * (1 - predicted), 999 * predicted];
  });
  return figuresOf(evaluate([0, 1, 0, 1], { classes: 2, data: Float32Array.from(rows.flat()) }));
}

test('mean and deviation over folds', () => {
  const all = [measured(2), measured(4)];
  const { accuracy, ece, brier } = spreadOf(all);
  assert.deepEqual(accuracy, { count: 2, mean: 0.75, deviation: Math.SQRT1_2 / 2 });
  // Certain of all: wrong by as much as is wrong; each mistake costs 2.
  assert.deepEqual([ece.mean, brier.mean], [0.25, 0.5]);
  assert.equal(
    measurementsTable(
      'fold',
      all.map((figures, i) => ({ name: String(i + 1), figures })),
    ),
    [
      'fold       pictures  accuracy %  mean-class %  macro-F1 %  ECE %   Brier',
      '1                 4       50.00         50.00       50.00  50.00  1.0000',
      '2                 4      100.00        100.00      100.00   0.00  0.0000',
      'mean                      75.00         75.00       75.00  25.00  0.5000',
      'deviation                 35.36         35.36       35.36  35.36  0.7071',
    ].join('\n'),
  );
});

test('of a single one there is no deviation', () => {
  assert.match(measurementsTable('seed', [{ name: '1', figures: measured(4) }]), /^deviation( +-){5}$/m);
});
