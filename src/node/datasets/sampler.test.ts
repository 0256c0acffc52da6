import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Dataset } from './dataset.js';
import { epochOrder, occurrences } from './sampler.js';

const dataset = (counts: readonly number[]): Dataset => ({
  root: '/nowhere',
  split: 'train',
  labels: { name: 'x', labels: counts.map((_, i) => `c${i}`) },
  samples: counts.flatMap((n, label) => Array.from({ length: n }, () => ({ path: 'p', label, majority: true }))),
});

test('shuffled: every picture once, anew each epoch, the same for the same seed and epoch', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }),
      fc.integer(),
      fc.nat(100),
      (counts, seed, epoch) => {
        const data = dataset(counts);
        const order = epochOrder(data, 'shuffled', seed, epoch);
        assert.deepEqual(
          [...order].sort((a, b) => a - b),
          [...data.samples.keys()],
        );
        assert.deepEqual(epochOrder(data, 'shuffled', seed, epoch), order);
        assert.deepEqual(epochOrder(data, 'sequential', seed, epoch), Int32Array.from(data.samples.keys()));
      },
    ),
  );
  const data = dataset([50]);
  assert.notDeepEqual(epochOrder(data, 'shuffled', 1, 0), epochOrder(data, 'shuffled', 1, 1));
  assert.notDeepEqual(epochOrder(data, 'shuffled', 1, 0), epochOrder(data, 'shuffled', 2, 0));
});

test('balanced: classes equally often whatever their size, pictures of a class too', () => {
  const data = dataset([9000, 0, 900, 100]);
  const order = epochOrder(data, 'balanced', 5, 0);
  assert.equal(order.length, 10_000);
  const counts = [0, 0, 0, 0];
  for (const i of order) {
    const label = data.samples[i]?.label ?? 1;
    counts[label] = (counts[label] ?? 0) + 1;
  }
  assert.equal(counts[1], 0);
  for (const label of [0, 2, 3]) assert.ok(Math.abs((counts[label] ?? 0) - 3333) < 250);
  const rare = new Set(order.filter((i) => data.samples[i]?.label === 3));
  assert.equal(rare.size, 100);
});

test('repeats within an epoch are counted', () => {
  assert.deepEqual([...occurrences(Int32Array.of(3, 1, 3, 3, 0, 1), 4)], [0, 0, 1, 2, 0, 1]);
});
