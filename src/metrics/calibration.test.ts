import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { calibration } from './calibration.js';
import { topKAccuracy } from './evaluation.js';
import { logSoftmax } from './log-softmax.js';
import type { Scores } from './predictions.js';
import { spread } from './spread.js';

const close = (actual: number | null, expected: number, tolerance = 1e-7): void => {
  assert(actual !== null && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
};

/** Logits whose softmax is these probabilities. */
const of = (rows: readonly (readonly number[])[]): Scores => ({
  classes: rows[0]?.length ?? 0,
  data: Float32Array.from(rows.flat(), Math.log),
});

test('ECE, MCE and Brier score by hand', () => {
  // Confidences 0.9 (right), 0.9 (wrong), 0.55 (right), 0.5 (wrong); five bins of 0.2.
  const logits = of([
    [0.9, 0.05, 0.05],
    [0.05, 0.9, 0.05],
    [0.1, 0.35, 0.55],
    [0.5, 0.25, 0.25],
  ]);
  const { ece, mce, brier, bins } = calibration([0, 0, 2, 1], logits, 5);
  assert.deepEqual(
    bins.map(({ count }) => count),
    [0, 0, 2, 0, 2],
  );
  // (0.4, 0.6]: 1 of 2 right at 0.525; (0.8, 1]: 1 of 2 right at 0.9.
  close(bins[2]?.confidence ?? null, 0.525);
  close(bins[2]?.accuracy ?? null, 0.5);
  close(bins[4]?.confidence ?? null, 0.9);
  assert.equal(bins[0]?.accuracy, null);
  close(ece, 0.5 * 0.025 + 0.5 * 0.4);
  close(mce, 0.4);
  // 0.01 + 2 * 0.0025 = 0.015; 0.9025 + 0.81 + 0.0025 = 1.715; 0.01 + 0.1225 + 0.2025 = 0.335; 0.25 + 0.5625 + 0.0625 = 0.875
  close(brier, (0.015 + 1.715 + 0.335 + 0.875) / 4);
});

test('what is always right and sure is calibrated, what is sure and wrong is not', () => {
  const sure = of([[1, 0]]);
  const right = calibration([0], sure);
  assert.deepEqual([right.ece, right.mce, right.brier, right.bins.length, right.bins[14]?.count], [0, 0, 0, 15, 1]);
  const wrong = calibration([1], sure);
  assert.deepEqual([wrong.ece, wrong.mce, wrong.brier], [1, 1, 2]);
  // Of three classes one cannot be: its logit is -Infinity.
  const impossible = calibration([2], of([[0.5, 0.5, 0]]));
  close(impossible.brier, 0.25 + 0.25 + 1);
});

test('an edge belongs to the bin that it closes', () => {
  const counts = (bins: number): number[] => calibration([0], of([[1, 1]]), bins).bins.map(({ count }) => count);
  assert.deepEqual(counts(2), [1, 0]);
  assert.deepEqual(counts(4), [0, 1, 0, 0]);
  assert.deepEqual(counts(3), [0, 1, 0]);
});

test('no samples: nothing is defined', () => {
  const { ece, mce, brier, bins } = calibration([], { classes: 2, data: new Float32Array(0) }, 2);
  assert.deepEqual([ece, mce, brier], [null, null, null]);
  assert.deepEqual(bins[1], { from: 0.5, to: 1, count: 0, confidence: null, accuracy: null });
});

test('misuse is refused', () => {
  assert.throws(() => calibration([0], { classes: 2, data: new Float32Array(3) }), RangeError);
  assert.throws(() => calibration([0], of([[1, 0]]), 0), RangeError);
});

test('properties of a calibration', () => {
  const rows = fc
    .integer({ min: 2, max: 5 })
    .chain((classes) =>
      fc.array(
        fc.tuple(
          fc.nat({ max: classes - 1 }),
          fc.array(fc.integer({ min: -9, max: 9 }), { minLength: classes, maxLength: classes }),
        ),
        { minLength: 1, maxLength: 40 },
      ),
    );
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 20 }), (all, count) => {
      const labels = all.map(([label]) => label);
      const scores = { classes: all[0]?.[1].length ?? 0, data: Float32Array.from(all.flatMap(([, row]) => row)) };
      const { ece, mce, brier, bins } = calibration(labels, scores, count);
      assert.equal(
        bins.reduce((sum, bin) => sum + bin.count, 0),
        labels.length,
      );
      assert(ece !== null && mce !== null && brier !== null);
      assert(ece >= 0 && ece <= mce + 1e-12 && mce <= 1 && brier >= 0 && brier <= 2);
      for (const { from, to, confidence } of bins) {
        assert(confidence === null || (confidence > from - 1e-12 && confidence <= to + 1e-12));
      }
      const right = bins.reduce((sum, bin) => sum + bin.count * (bin.accuracy ?? 0), 0);
      close(topKAccuracy(labels, scores, 1), right / labels.length);
    }),
    { numRuns: 200 },
  );
});

test('log-softmax stays exact where probabilities vanish', () => {
  assert.deepEqual(logSoftmax([1000, 0]), [0, -1000]);
  close(logSoftmax([Math.log(1), Math.log(3)])[1] ?? null, Math.log(0.75), 1e-15);
  assert.deepEqual(logSoftmax([0, Number.NEGATIVE_INFINITY]), [0, Number.NEGATIVE_INFINITY]);
});

test('mean and deviation by hand', () => {
  assert.deepEqual(spread([2, 4, 4, 4, 5, 5, 7, 9]), { count: 8, mean: 5, deviation: Math.sqrt(32 / 7) });
  assert.deepEqual(spread([3]), { count: 1, mean: 3, deviation: null });
  assert.deepEqual(spread([null, 1, 3]), { count: 2, mean: 2, deviation: Math.SQRT2 });
  assert.deepEqual(spread([]), { count: 0, mean: null, deviation: null });
});
