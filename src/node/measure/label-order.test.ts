import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { affectnet7, affectnet8, caers, canonicalLabel, fer2013, ferplus, rafdb } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';
import { random } from '../../common/random.js';
import type { ConfusionMatrix } from '../../metrics/index.js';
import { mapLabels } from './label-mapping.js';
import { findLabelOrder, type LabelOrder } from './label-order.js';

/**
 * The bundled weights on FER+'s validation split: rare classes are hardly ever right.
 * poster evaluate --data ferplus --split valid --json
 */
const measured = [
  [1036, 38, 17, 76, 11, 0, 2, 0],
  [27, 816, 9, 6, 3, 0, 1, 0],
  [13, 8, 377, 2, 3, 0, 8, 0],
  [89, 8, 0, 239, 6, 1, 5, 0],
  [22, 3, 7, 7, 246, 1, 3, 0],
  [5, 1, 0, 2, 9, 8, 0, 0],
  [1, 0, 11, 5, 2, 0, 41, 0],
  [12, 0, 0, 2, 2, 0, 0, 0],
];
const at = (label: string): number => ferplus.labels.map(canonicalLabel).indexOf(canonicalLabel(label));

/** What `evaluate` sees where each side is something else than it says. */
function confused(
  weights: { stated: LabelSet; really: LabelSet },
  data: { stated: LabelSet; really: LabelSet },
): ConfusionMatrix {
  const { indices } = mapLabels(weights.stated, data.stated);
  const rows = weights.stated.labels.map(() => weights.stated.labels.map(() => 0));
  data.really.labels.forEach((row, d) => {
    weights.really.labels.forEach((column, j) => {
      const into = rows[indices[d] ?? -1];
      if (into !== undefined) into[j] = measured[at(row)]?.[at(column)] ?? 0;
    });
  });
  return rows;
}
const honest = (set: LabelSet): { stated: LabelSet; really: LabelSet } => ({ stated: set, really: set });
const find = (weights: { stated: LabelSet; really: LabelSet }, data: typeof weights): LabelOrder | undefined =>
  findLabelOrder(confused(weights, data), weights.stated, data.stated, mapLabels(weights.stated, data.stated));

test('every mix-up of published orders is named, on the side where it is', () => {
  const sevens = [rafdb, affectnet7, caers, fer2013];
  const pairs = [
    ...sevens.flatMap((stated) => sevens.flatMap((really) => (stated === really ? [] : [[stated, really] as const]))),
    [ferplus, affectnet8] as const,
    [affectnet8, ferplus] as const,
  ];
  assert.equal(pairs.length, 14);
  for (const [stated, really] of pairs) {
    const weights = find({ stated, really }, honest(stated));
    assert.deepEqual([weights?.weights.name, weights?.weights.labels.map(at)], [really.name, really.labels.map(at)]);
    const { fitting, measured: low } = weights?.accuracy ?? { fitting: 0, measured: 1 };
    assert.ok(fitting > 0.86 && low < fitting - 0.2, `${low} ${fitting}`);
    assert.match(
      weights?.explanation ?? '',
      new RegExp(`if .*the order of ${really.name.replace('+', '\\+')}.*; check`),
    );
    const data = find(honest(stated), { stated, really });
    assert.deepEqual([data?.data.name, data?.data.labels.map(at)], [really.name, really.labels.map(at)]);
    assert.equal(find({ stated, really: stated }, honest(really)), undefined);
    assert.equal(find(honest(stated), honest(stated)), undefined);
  }
});

test('folders that were numbered by the alphabet, and two labels that were exchanged', () => {
  const alphabet = { name: 'mine', labels: [...ferplus.labels].sort() };
  const sorted = find({ stated: ferplus, really: alphabet }, honest(ferplus));
  assert.deepEqual(sorted?.weights, { name: null, labels: alphabet.labels });
  // One label list that was published has anger and sadness the wrong way round, say.
  const swapped = { name: 'x', labels: ferplus.labels.map((l) => ({ anger: 'sadness', sadness: 'anger' })[l] ?? l) };
  const two = find({ stated: swapped, really: ferplus }, honest(swapped));
  assert.deepEqual(two?.weights, { name: 'FER+', labels: ferplus.labels });
  const other = find({ stated: ferplus, really: swapped }, honest(ferplus));
  assert.deepEqual(other?.weights, { name: null, labels: swapped.labels });
});

const none = (rows: ConfusionMatrix): void => {
  const set = { name: 'x', labels: ferplus.labels.slice(0, rows.length) };
  assert.equal(findLabelOrder(rows, set, set, { indices: rows.map((_, i) => i) }), undefined, JSON.stringify(rows));
};

test('a bad network is no order: constant, random, hesitant between few classes', () => {
  const support = measured.map((row) => row.reduce((a, b) => a + b, 0));
  for (let always = 0; always < 8; always++) {
    none(support.map((n) => support.map((_, c) => (c === always ? n : 0))));
    // Mostly so.
    none(support.map((n, i) => support.map((_, c) => (c === always ? n - (i % 3) : Number(c === (i + 1) % 8)))));
  }
  // Says one of two or three classes: right for those, as it happens for the others.
  for (const kept of [2, 3, 4]) {
    none(measured.map((row, i) => row.map((n, c) => (c < kept ? n + (i >= kept && c === i % kept ? 90 : 0) : 0))));
  }
  // A class that the data lacks is what the network always says.
  none(support.map((n, i) => support.map((_, c) => (i !== 5 && c === 5 ? n : 0))));
});

test('chance is no order, however few pictures there are', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 2, max: 8 }), (seed, n, classes) => {
      const draw = random(seed, 'confusion');
      const weights = Array.from({ length: classes }, () => draw.next() ** 3 + 0.01);
      const sums = weights.map((_, i) => weights.slice(0, i + 1).reduce((a, b) => a + b, 0));
      const pick = (): number => {
        const point = draw.next() * (sums.at(-1) ?? 0);
        return sums.filter((sum) => sum <= point).length;
      };
      const rows = weights.map(() => weights.map(() => 0));
      for (const row of rows) for (let i = 0; i < n; i++) row.splice(...increment(row, pick()));
      none(rows);
    }),
    { numRuns: 2000 },
  );
});

const increment = (row: readonly number[], at: number): [number, number, number] => [at, 1, (row[at] ?? 0) + 1];
