import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dealt, evenShare } from './shares.js';

const shardsOf = (count: number): { index: number; count: number }[] =>
  Array.from({ length: count }, (_, i) => ({ index: i + 1, count }));
const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('all shards together are every unit once, each in ascending order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1e9), { maxLength: 60 }), fc.integer({ min: 1, max: 80 }), (weights, count) => {
      for (const shareOf of [
        (shard: { index: number; count: number }) => dealt(weights.length, shard),
        (shard: { index: number; count: number }) => evenShare(weights, shard),
      ]) {
        const shares = shardsOf(count).map(shareOf);
        assert.deepEqual(ascending(shares.flat()), upTo(weights.length));
        for (const share of shares) assert.deepEqual(share, ascending(share));
      }
    }),
  );
});

test('units of one weight are dealt out in turn', () => {
  const weights = upTo(23).map(() => 7);
  for (const shard of shardsOf(5)) assert.deepEqual(evenShare(weights, shard), dealt(23, shard));
  assert.deepEqual(dealt(7, { index: 2, count: 3 }), [1, 4]);
});

test('no shard has more than the mean and one unit', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      (weights, count) => {
        const sum = (units: readonly number[]): number => units.reduce((all, unit) => all + (weights[unit] ?? 0), 0);
        const loads = shardsOf(count).map((shard) => sum(evenShare(weights, shard)));
        assert.ok(Math.max(...loads) <= sum(upTo(weights.length)) / count + Math.max(...weights));
      },
    ),
  );
  // A video of ten parts beside ten of one: it has a shard for itself.
  const shares = shardsOf(2).map((shard) => evenShare([1, 1, 1, 1, 1, 10, 1, 1, 1, 1, 1], shard));
  assert.deepEqual(shares, [[5], [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]]);
});
