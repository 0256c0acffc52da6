import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  batchDim,
  broadcast,
  concrete,
  type Dim,
  elements,
  formatShape,
  isShape,
  isStatic,
  normalizeAxis,
  product,
  type Shape,
  sameShape,
} from './dim.js';

const size = fc.integer({ min: 1, max: 60 });
const batchSize = fc.integer({ min: 1, max: 200 });
const fixed = fc.array(size, { maxLength: 4 });
/** Shapes with at most one dimension that depends on the batch. */
const shape: fc.Arbitrary<Shape> = fc.tuple(fixed, fc.option(size), fixed).map(([before, times, after]) => {
  return times === null ? [...before, ...after] : [...before, batchDim(times), ...after];
});

test('a shape for a batch has the dimensions times the batch where they depend on it', () => {
  assert.deepEqual(concrete(['N', 3, '49N'], 8), [8, 3, 392]);
  // Exactly: 1 / 49 * 49 is not 1.
  fc.assert(fc.property(fixed, batchSize, (dims, n) => assert.deepEqual(concrete(dims, n), dims)));
  fc.assert(fc.property(size, batchSize, (times, n) => assert.deepEqual(concrete([batchDim(times)], n), [times * n])));
});

test('product and elements agree for every batch size', () => {
  fc.assert(
    fc.property(shape, batchSize, (dims, n) => {
      const all = product(dims);
      assert.ok(all !== undefined);
      assert.deepEqual(concrete([all], n), [elements(dims, n)]);
      assert.equal(isStatic(dims), typeof all === 'number');
    }),
  );
  assert.equal(product([]), 1);
  assert.equal(product(['N', 2, 'N']), undefined);
});

test('broadcasting commutes, has a neutral element and agrees with the fixed shapes of a batch', () => {
  const narrowed = fc.tuple(shape, fc.infiniteStream(fc.boolean())).map(([dims, ones]) => {
    return [dims, dims.map((dim): Dim => (ones.next().value ? 1 : dim))] as const;
  });
  fc.assert(
    fc.property(narrowed, fc.nat(3), ([dims, some], drop) => {
      const other = some.slice(Math.min(drop, some.length));
      assert.deepEqual(broadcast(dims, other), dims);
      assert.deepEqual(broadcast(other, dims), dims);
      assert.deepEqual(broadcast([], dims), dims);
    }),
  );
  fc.assert(
    fc.property(shape, shape, (a, b) => {
      const both = broadcast(a, b);
      assert.deepEqual(both, broadcast(b, a));
      if (both === undefined) return;
      assert.deepEqual(broadcast(concrete(a, 97), concrete(b, 97)), concrete(both, 97));
      assert.deepEqual(broadcast(a, both), both);
    }),
  );
  assert.deepEqual(broadcast([3, 1], ['N', 1, 4]), ['N', 3, 4]);
  assert.equal(broadcast(['N'], [2]), undefined);
  assert.equal(broadcast([2, 3], [2]), undefined);
});

test('axes count from either end', () => {
  fc.assert(
    fc.property(fc.integer({ min: -10, max: 10 }), fc.nat(5), (axis, rank) => {
      if (axis >= -rank && axis < rank) assert.equal(normalizeAxis(axis, rank), (axis + rank) % rank);
      else assert.throws(() => normalizeAxis(axis, rank), RangeError);
    }),
  );
  assert.throws(() => normalizeAxis(0.5, 3), /axis 0.5/);
});

test('shapes are positive, whole and written one way', () => {
  fc.assert(fc.property(shape, (dims) => assert.ok(isShape(dims) && sameShape(dims, [...dims]))));
  for (const bad of [0, -1, 1.5, Number.NaN, '0N', '1N', '-2N', '1.5N', '02N', '1e2N'] as Dim[]) {
    assert.ok(!isShape([2, bad]), formatShape([bad]));
  }
});
