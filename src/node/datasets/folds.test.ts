import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Dataset } from './dataset.js';
import { divide, foldsOf } from './folds.js';
import { failsWith } from './helpers.test.js';

/** `sizes[k]` pictures of class k, every `gap`th of them without a majority. */
function dataset(sizes: readonly number[], gap = 0, root = resolve('faces')): Dataset {
  const samples = sizes.flatMap((size, label) =>
    Array.from({ length: size }, (_, i) => ({
      path: join(root, 'train', `class ${label}`, `${i}.png`),
      label,
      majority: gap === 0 || i % gap !== gap - 1,
    })),
  );
  return { root, split: 'train', labels: { name: 'faces', labels: sizes.map((_, k) => `class ${k}`) }, samples };
}

const datasets = fc.record({
  sizes: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 6 }),
  gap: fc.integer({ min: 0, max: 4 }).filter((gap) => gap !== 1),
  count: fc.integer({ min: 2, max: 7 }),
  seed: fc.nat({ max: 1000 }),
});

test('folds are a partition, stratified within one', () => {
  fc.assert(
    fc.property(datasets, ({ sizes, gap, count, seed }) => {
      fc.pre(Math.max(...sizes) >= 2 * count);
      const data = dataset(sizes, gap);
      const parts = Array.from({ length: count }, (_, i) => divide(data, { index: i + 1, count, seed }));
      // Every picture with a majority is held out exactly once, and trained on in all other folds.
      const held = parts.flatMap((part) => part.held.samples.map(({ path }) => path));
      const wanted = data.samples.filter(({ majority }) => majority).map(({ path }) => path);
      assert.deepEqual(held.toSorted(), wanted.toSorted());
      for (const part of parts) {
        const both = new Set([...part.train.samples, ...part.held.samples]);
        assert.equal(part.train.samples.length + part.held.samples.length, data.samples.length);
        assert.equal(both.size, data.samples.length);
        assert.ok(part.held.samples.every(({ majority }) => majority));
      }
      const within = (counts: readonly number[]): void => {
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`);
      };
      within(parts.map((part) => part.held.samples.length));
      sizes.forEach((_, k) => {
        within(parts.map((part) => part.held.samples.filter(({ label }) => label === k).length));
      });
    }),
    { numRuns: 100 },
  );
});

test('folds follow from seed and paths within the dataset, not from its place or the order of its labels', () => {
  const data = dataset([20, 7, 13]);
  const folds = foldsOf(data, 3, 5);
  assert.deepEqual(foldsOf(dataset([20, 7, 13], 0, resolve('elsewhere')), 3, 5), folds);
  const turned = { ...data, samples: data.samples.map((sample) => ({ ...sample, label: 2 - sample.label })) };
  assert.deepEqual(foldsOf(turned, 3, 5), folds);
  assert.notDeepEqual(foldsOf(data, 3, 6), folds);
  // Shuffled, not dealt in order.
  assert.notDeepEqual([...folds.slice(0, 6)], [1, 2, 3, 1, 2, 3]);
});

test('small classes are named, impossible folds refused', async () => {
  const data = dataset([9, 2, 0]);
  assert.deepEqual(divide(data, { index: 1, count: 3, seed: 0 }).scarce, ['class 1']);
  await failsWith(() => divide(data, { index: 4, count: 3, seed: 0 }), /no fold 4 among 3/);
  await failsWith(() => divide(data, { index: 0, count: 3, seed: 0 }), /no fold 0/);
  await failsWith(() => divide(data, { index: 1, count: 1, seed: 0 }), /1 folds cannot be made/);
  await failsWith(() => divide(data, { index: 1, count: 10, seed: 0 }), /largest class has pictures \(9\)/);
});
