import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../common/errors.js';
import {
  accuracy,
  confusionMatrix,
  crossEntropy,
  evaluate,
  macroF1,
  meanClassAccuracy,
  perClassMetrics,
  topKAccuracy,
} from './evaluation.js';
import { predictions, type Scores } from './predictions.js';

const scores = (rows: readonly (readonly number[])[]): Scores => ({
  classes: rows[0]?.length ?? 3,
  data: new Float32Array(rows.flat()),
});

const close = (actual: number | null, expected: number, tolerance = 1e-12): void => {
  assert(actual !== null && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
};

// Class 0: 3 of 4 right; class 1: 1 of 2; class 2: no samples, predicted once; class 3: 2 samples, never predicted.
const labels = [0, 0, 0, 0, 1, 1, 3, 3];
const predicted = [0, 0, 0, 1, 1, 2, 0, 1];
const matrix = confusionMatrix(labels, predicted, 5);

test('confusion matrix: rows are true classes, columns predicted ones', () => {
  assert.deepEqual(matrix, [
    [3, 1, 0, 0, 0],
    [0, 1, 1, 0, 0],
    [0, 0, 0, 0, 0],
    [1, 1, 0, 0, 0],
    [0, 0, 0, 0, 0],
  ]);
});

test('figures by hand', () => {
  assert.equal(accuracy(matrix), 4 / 8);
  close(meanClassAccuracy(matrix), (3 / 4 + 1 / 2 + 0) / 3);
  // F1 of class 0: 2*3/(4+4), of class 1: 2*1/(2+3), of class 3: 0.
  close(macroF1(matrix), (6 / 8 + 2 / 5 + 0) / 3);
  assert.deepEqual(perClassMetrics(matrix), [
    { support: 4, predicted: 4, precision: 3 / 4, recall: 3 / 4, f1: 6 / 8 },
    { support: 2, predicted: 3, precision: 1 / 3, recall: 1 / 2, f1: 2 / 5 },
    { support: 0, predicted: 1, precision: 0, recall: null, f1: null },
    { support: 2, predicted: 0, precision: 0, recall: 0, f1: 0 },
    { support: 0, predicted: 0, precision: null, recall: null, f1: null },
  ]);
});

test('predictions take the lowest index among equals and refuse NaN', () => {
  assert.deepEqual(
    [
      ...predictions(
        scores([
          [1, 3, 3],
          [0, 0, 0],
          [-5, -7, -4],
        ]),
      ),
    ],
    [1, 0, 2],
  );
  for (const row of [
    [Number.NaN, 1],
    [1, Number.NaN],
  ]) {
    assert.throws(
      () => predictions(scores([[0, 1], row])),
      (error) => error instanceof UserError && error.kind === 'diverged' && /sample 1/.test(error.message),
    );
  }
});

test('top-k by hand', () => {
  const logits = scores([
    [3, 2, 1],
    [3, 2, 1],
    [3, 2, 1],
    [1, 1, 1],
  ]);
  assert.equal(topKAccuracy([0, 1, 2, 1], logits, 1), 1 / 4);
  assert.equal(topKAccuracy([0, 1, 2, 1], logits, 2), 3 / 4);
  assert.equal(topKAccuracy([0, 1, 2, 1], logits, 3), 1);
});

test('cross-entropy by hand, of labels and of distributions', () => {
  close(
    crossEntropy(
      [0, 2],
      scores([
        [0, 0, 0],
        [5, 5, 5],
      ]),
    ),
    Math.log(3),
  );
  close(crossEntropy([1], scores([[Math.log(2), Math.log(6)]])), Math.log(8 / 6), 1e-7);
  close(crossEntropy([1], scores([[1000, 0]])), 1000);
  close(crossEntropy([0], scores([[0, Number.NEGATIVE_INFINITY]])), 0);
  const distribution = scores([[0.25, 0.75]]);
  close(crossEntropy(distribution, scores([[0, Math.log(3)]])), 0.25 * Math.log(4) + 0.75 * Math.log(4 / 3), 1e-7);
});

test('no samples: nothing is defined', () => {
  const empty = evaluate([], { classes: 2, data: new Float32Array(0) });
  assert.deepEqual(
    [empty.accuracy, empty.meanClassAccuracy, empty.macroF1, empty.topK.accuracy, empty.crossEntropy],
    [null, null, null, null, null],
  );
  assert.deepEqual(empty.absentClasses, [0, 1]);
});

test('misuse is refused', () => {
  assert.throws(() => confusionMatrix([0], [0, 1], 2), RangeError);
  assert.throws(() => confusionMatrix([2], [0], 2), RangeError);
  assert.throws(() => confusionMatrix([0], [-1], 2), RangeError);
  assert.throws(() => confusionMatrix([0.5], [0], 2), RangeError);
  assert.throws(() => predictions({ classes: 3, data: new Float32Array(4) }), RangeError);
  assert.throws(
    () =>
      crossEntropy(
        scores([[1, 0]]),
        scores([
          [1, 0],
          [1, 0],
        ]),
      ),
    RangeError,
  );
});

const evaluations = fc.integer({ min: 1, max: 6 }).chain((classes) =>
  fc
    .array(
      fc.tuple(
        fc.nat({ max: classes - 1 }),
        fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: classes, maxLength: classes }),
      ),
      { minLength: 1, maxLength: 30 },
    )
    .map((rows) => ({
      classes,
      labels: rows.map(([label]) => label),
      logits: { classes, data: new Float32Array(rows.flatMap(([, row]) => row)) },
    })),
);

test('properties of an evaluation', () => {
  fc.assert(
    fc.property(evaluations, ({ classes, labels, logits }) => {
      const result = evaluate(labels, logits);
      const total = result.confusion.flat().reduce((a, b) => a + b, 0);
      assert.equal(total, labels.length);
      assert.equal(topKAccuracy(labels, logits, 1), result.accuracy);
      assert.equal(topKAccuracy(labels, logits, classes), 1);
      assert((result.topK.accuracy ?? -1) >= (result.accuracy ?? 2));
      for (const { recall, precision, f1 } of result.perClass) {
        for (const value of [recall, precision, f1]) assert(value === null || (value >= 0 && value <= 1));
        if (recall !== null && precision !== null && f1 !== null && recall + precision > 0) {
          close(f1, (2 * precision * recall) / (precision + recall));
        }
      }
      // Accuracy is the mean recall weighted by support.
      const weighted = result.perClass.reduce((sum, { support, recall }) => sum + support * (recall ?? 0), 0);
      close(result.accuracy, weighted / labels.length);
      // A one-hot distribution is a label.
      const oneHot = new Float32Array(labels.length * classes);
      for (const [i, label] of labels.entries()) oneHot[i * classes + label] = 1;
      assert.equal(crossEntropy({ classes, data: oneHot }, logits), result.crossEntropy);
      assert((result.crossEntropy ?? -1) >= 0);
      // Perfect predictions are perfect by every measure.
      const perfect = evaluate(labels, { classes, data: oneHot });
      assert.deepEqual([perfect.accuracy, perfect.meanClassAccuracy, perfect.macroF1], [1, 1, 1]);
    }),
    { numRuns: 200 },
  );
});
