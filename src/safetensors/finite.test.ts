import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../common/errors.js';
import { bytesInMemory } from './byte-source.js';
import { allFinite, requireFiniteIn } from './finite.js';

test('infinities and what is not a number are found among all float32 numbers', () => {
  assert.ok(allFinite(new Float32Array(0)));
  assert.ok(allFinite(Float32Array.of(0, -0, 3.4e38, -3.4e38, 1e-45, -1e-45, 1)));
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (const position of [0, 1, 2])
      assert.ok(!allFinite(Float32Array.from({ length: 3 }, (_, i) => (i === position ? bad : 1))));
  }
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })), (bits) => {
      const values = new Float32Array(Int32Array.from(bits).buffer);
      assert.equal(allFinite(values), values.every(Number.isFinite));
    }),
  );
});

test('tensors that stay in their file are looked through, and none beside them', async () => {
  const length = 300_001;
  const values = new Float32Array(length).fill(1);
  values[0] = Number.NaN;
  values[length - 1] = Number.POSITIVE_INFINITY;
  const source = bytesInMemory(new Uint8Array(values.buffer), 'weights');
  await requireFiniteIn(source, [['between', 4, 4 * (length - 2)]]);
  const refused = (name: string) => (error: unknown) =>
    error instanceof UserError && error.message.includes(`tensor "${name}" holds values that are not finite`);
  await assert.rejects(requireFiniteIn(source, [['first', 0, 8]]), refused('first'));
  await assert.rejects(
    requireFiniteIn(source, [
      ['between', 4, 8],
      ['whole', 4, 4 * (length - 1)],
    ]),
    refused('whole'),
  );
});
