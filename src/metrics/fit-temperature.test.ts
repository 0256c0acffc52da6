import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../common/errors.js';
import { random } from '../common/random.js';
import { crossEntropy } from './evaluation.js';
import { fitTemperature } from './fit-temperature.js';
import { logSoftmax } from './log-softmax.js';
import type { Scores } from './predictions.js';

const classes = 4;

function logitsOf(samples: number, seed: number): Scores {
  const stream = random(seed, 'logits');
  return { classes, data: Float32Array.from({ length: samples * classes }, () => 3 * stream.normal()) };
}

/** What these logits say at a temperature. */
function softmaxOf({ data }: Scores, temperature: number): Scores {
  const shares = new Float32Array(data.length);
  for (let i = 0; i < data.length; i += classes) {
    const row = data.subarray(i, i + classes).map((value) => value / temperature);
    shares.set(logSoftmax(row).map(Math.exp), i);
  }
  return { classes, data: shares };
}

test('votes that follow from the logits at a temperature give that temperature', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.3, max: 5, noNaN: true }), fc.nat(1000), (temperature, seed) => {
      const logits = logitsOf(50, seed);
      const found = fitTemperature(softmaxOf(logits, temperature), logits);
      assert.ok(Math.abs(found / temperature - 1) < 1e-4, `${found} for ${temperature}`);
    }),
    { numRuns: 50 },
  );
});

test('no temperature nearby has a smaller cross-entropy to the labels', () => {
  const logits = logitsOf(300, 1);
  const stream = random(2, 'labels');
  const labels = Array.from({ length: 300 }, (_, i) => {
    const row = logits.data.subarray(i * classes, (i + 1) * classes);
    return stream.int(3) === 0 ? stream.int(classes) : row.indexOf(Math.max(...row));
  });
  const best = fitTemperature(labels, logits);
  const loss = (temperature: number): number =>
    crossEntropy(labels, { classes, data: logits.data.map((value) => value / temperature) }) ?? Number.NaN;
  for (const factor of [0.5, 0.9, 0.99, 1.01, 1.1, 2]) assert.ok(loss(best * factor) > loss(best), `${factor}`);
});

test('pictures that leave it open are refused in a sentence', () => {
  const refused = (targets: number[], data: number[], sentence: RegExp): void =>
    assert.throws(
      () => fitTemperature(targets, { classes: 2, data: Float32Array.from(data) }),
      (error) => error instanceof UserError && sentence.test(error.message),
    );
  refused([], [], /on no pictures/);
  refused([1, 1], [0, 1, 1, 0], /of one class/);
  refused([0, 1], [Number.NEGATIVE_INFINITY, 1, 1, 0], /sample 0 is not finite/);
  refused([0, 1], [1, 0, Number.NaN, 0], /sample 1 is not finite/);
  refused([0, 1], [1, 0, 0, 1], /right about each of them/);
  refused([0, 1], [0, 1, 1, 0], /says nothing about them/);
  refused([0, 1], [2, 2, -1, -1], /says nothing about them/);
});
