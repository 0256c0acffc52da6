import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assign } from './assignment.js';

/** The greatest sum of gains there is, by trying everything. */
function best(gains: readonly (readonly number[])[], taken: ReadonlySet<number> = new Set()): number {
  const [row, ...rest] = gains;
  if (row === undefined) return 0;
  let most = best(rest, taken);
  row.forEach((gain, j) => {
    if (gain > 0 && !taken.has(j)) most = Math.max(most, gain + best(rest, new Set([...taken, j])));
  });
  return most;
}

const gain = fc.oneof(fc.integer({ min: -5, max: 20 }), fc.constant(Number.NEGATIVE_INFINITY));
const tables = fc
  .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 }))
  .chain(([rows, columns]) =>
    fc.array(fc.array(gain, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }),
  );

test('no other pairing gains more, no column is taken twice, no pair is a loss', () => {
  fc.assert(
    fc.property(tables, (gains) => {
      const found = assign(gains);
      assert.equal(found.length, gains.length);
      const columns = found.filter((column) => column !== undefined);
      assert.equal(new Set(columns).size, columns.length);
      const values = found.flatMap((column, i) => (column === undefined ? [] : [gains[i]?.[column] ?? Number.NaN]));
      assert.ok(values.every((value) => value > 0));
      assert.equal(
        values.reduce((sum, value) => sum + value, 0),
        best(gains),
      );
    }),
    { numRuns: 400 },
  );
});

test('a greedy choice is not taken where all together gain more', () => {
  assert.deepEqual(
    assign([
      [10, 9],
      [9, 1],
    ]),
    [1, 0],
  );
  assert.deepEqual(assign([[0, -1]]), [undefined]);
  assert.deepEqual(assign([]), []);
});
