import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ScoreSmoother } from './smoothing.js';

test('after the time constant a change has arrived to 63%, in one step or in many', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.double({ min: 0.05, max: 10, noNaN: true }), (steps, seconds) => {
      const smoother = new ScoreSmoother(seconds);
      smoother.update(1, 0, [1, 0]);
      let last: readonly number[] = [];
      for (let i = 1; i <= steps; i++) last = smoother.update(1, (i / steps) * seconds, [0, 1]);
      assert.ok(Math.abs((last[1] ?? 0) - (1 - Math.exp(-1))) < 1e-9);
    }),
  );
});

test('smoothed probabilities are probabilities, between the smallest and the largest so far', () => {
  const frame = fc.tuple(
    fc.double({ min: 0, max: 3, noNaN: true }),
    fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 20 }), (frames) => {
      const smoother = new ScoreSmoother(0.5);
      let time = 0;
      const [low, high] = [new Array<number>(4).fill(1), new Array<number>(4).fill(0)];
      for (const [step, weights] of frames) {
        time += step;
        const sum = weights.reduce((all, one) => all + one, 0);
        const values = weights.map((weight) => weight / sum);
        const smoothed = smoother.update(7, time, values);
        assert.ok(Math.abs(smoothed.reduce((all, one) => all + one, 0) - 1) < 1e-9);
        smoothed.forEach((value, k) => {
          low[k] = Math.min(low[k] ?? 1, values[k] ?? 0);
          high[k] = Math.max(high[k] ?? 0, values[k] ?? 0);
          assert.ok(value >= (low[k] ?? 0) - 1e-12 && value <= (high[k] ?? 1) + 1e-12);
        });
      }
    }),
  );
});

test('0 smooths nothing, tracks do not mix, what is forgotten begins anew', () => {
  const none = new ScoreSmoother(0);
  none.update(1, 0, [1, 0]);
  assert.deepEqual(none.update(1, 0.1, [0.2, 0.8]), [0.2, 0.8]);
  const smoother = new ScoreSmoother(1);
  smoother.update(1, 0, [1, 0]);
  assert.deepEqual(smoother.update(2, 0.1, [0, 1]), [0, 1]);
  smoother.forgetBefore(0.05);
  assert.equal(smoother.size, 1);
  assert.deepEqual(smoother.update(1, 0.2, [0.5, 0.5]), [0.5, 0.5]);
  assert.throws(() => new ScoreSmoother(-1), RangeError);
});
