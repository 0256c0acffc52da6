import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { random } from './random.js';

const part = fc.oneof(fc.integer(), fc.string({ maxLength: 5 }));
const path = fc.array(part, { maxLength: 4 });
const draw = (seed: number, stream: readonly (number | string)[]): string => {
  const r = random(seed, ...stream);
  return [r.uint32(), r.uint32(), r.uint32()].join();
};

test('the same seed and path give the same stream, another seed or path another', () => {
  fc.assert(
    fc.property(fc.integer(), path, fc.integer(), path, (seed, stream, seed2, stream2) => {
      assert.equal(draw(seed, stream), draw(seed, stream));
      if (seed !== seed2 || JSON.stringify(stream) !== JSON.stringify(stream2)) {
        assert.notEqual(draw(seed, stream), draw(seed2, stream2));
      }
    }),
  );
  assert.notEqual(draw(0, ['a', 'b']), draw(0, ['ab']));
  assert.notEqual(draw(0, [1, 23]), draw(0, [12, 3]));
  assert.notEqual(draw(0, [1]), draw(0, ['1']));
});

test('the numbers do not change between versions', () => {
  const r = random(7, 'augment', 3, 12);
  assert.deepEqual([r.uint32(), r.uint32(), r.int(1000), r.next()], [381217691, 3971175095, 586, 0.6611557642275552]);
});

test('ranges hold for every argument', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, n) => {
      const r = random(seed);
      const i = r.int(n);
      assert.ok(Number.isInteger(i) && i >= 0 && i < n);
      const x = r.next();
      assert.ok(x >= 0 && x < 1);
    }),
  );
  fc.assert(
    fc.property(
      fc.integer(),
      fc.double({ min: -5, max: 5, noNaN: true }),
      fc.double({ min: 1e-3, max: 100, noNaN: true }),
      (seed, a, width) => {
        const x = random(seed).truncatedNormal(0, 1, a, a + width);
        assert.ok(x >= a && x <= a + width);
      },
    ),
  );
  assert.throws(() => random(0).int(0), RangeError);
  assert.throws(() => random(0).truncatedNormal(0, 1, 2, 1), RangeError);
});

test('moments, also over neighbouring streams', () => {
  const n = 20_000;
  for (const one of [
    (() => {
      const r = random(1);
      return () => r;
    })(),
    (i: number) => random(1, 'epoch', 0, i),
  ]) {
    let sum = 0;
    let squares = 0;
    let normal = 0;
    let normalSquares = 0;
    let truncated = 0;
    for (let i = 0; i < n; i++) {
      const r = one(i);
      const x = r.next();
      sum += x;
      squares += x * x;
      const y = r.normal();
      normal += y;
      normalSquares += y * y;
      truncated += r.truncatedNormal() ** 2;
    }
    assert.ok(Math.abs(sum / n - 0.5) < 0.01);
    assert.ok(Math.abs(squares / n - 1 / 3) < 0.01);
    assert.ok(Math.abs(normal / n) < 0.03);
    assert.ok(Math.abs(normalSquares / n - 1) < 0.05);
    // Variance of a normal cut at two standard deviations.
    assert.ok(Math.abs(truncated / n - 0.7737) < 0.03);
  }
});

test('Beta(a, a): within 0 and 1, with its mean and variance, for strengths of any size', () => {
  for (const alpha of [1e-4, 0.05, 0.2, 1, 4, 1000]) {
    const stream = random(5, 'beta', alpha);
    const drawn = Array.from({ length: 20_000 }, () => stream.beta(alpha));
    assert.ok(drawn.every((value) => value >= 0 && value <= 1));
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length;
    const wanted = 1 / (4 * (2 * alpha + 1));
    assert.ok(Math.abs(mean - 0.5) < 5 * Math.sqrt(wanted / drawn.length), `mean ${mean} of ${alpha}`);
    assert.ok(Math.abs(variance / wanted - 1) < 0.05, `variance ${variance}, not ${wanted}, of ${alpha}`);
  }
  for (const alpha of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => random(1).beta(alpha), RangeError);
  }
});

test('shuffle permutes, evenly', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.integer()), (seed, items) => {
      assert.deepEqual(
        random(seed)
          .shuffle([...items])
          .sort((a, b) => a - b),
        [...items].sort((a, b) => a - b),
      );
    }),
  );
  const first = [0, 0, 0, 0];
  const r = random(3);
  for (let i = 0; i < 8000; i++) {
    const k = r.shuffle(Int32Array.of(0, 1, 2, 3))[0] ?? 0;
    first[k] = (first[k] ?? 0) + 1;
  }
  for (const count of first) assert.ok(Math.abs(count - 2000) < 200);
});
