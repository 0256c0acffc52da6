import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as z from 'zod';
import { withCommunicators } from '../../../test/support/local-communicators.js';
import { reducersOf } from '../../../test/support/reducers.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { Communicator } from './communicator.js';

test('arrays of any length and any number of ranks are summed in the order of ranks, to the bit', async () => {
  for (const size of [1, 2, 3, 4]) {
    await withCommunicators(size, async (ranks) => {
      const arrays = fc.integer({ min: 0, max: 60 }).chain((length) => {
        const one = fc.float32Array({ minLength: length, maxLength: length });
        return fc.array(one, { minLength: size, maxLength: size });
      });
      await fc.assert(
        fc.asyncProperty(arrays, async (all) => {
          const expected = all.map((one) => one.slice());
          await Promise.all(reducersOf(size).map((reducer, rank) => reducer.sum(itemAt(expected, rank))));
          await Promise.all(ranks.map((one, rank) => one.sum(itemAt(all, rank))));
          assert.deepEqual(all, expected);
        }),
        { numRuns: 40 },
      );
    });
  }
});

test('documents come to all, in the order of ranks; what rank 0 works out comes to all', async () => {
  await withCommunicators(3, async (ranks) => {
    const texts = ['', 'ä', 'x'.repeat(100_000)];
    const all = await Promise.all(ranks.map((one, rank) => one.documents(z.string(), itemAt(texts, rank))));
    assert.deepEqual(all, [texts, texts, texts]);
    let asked = 0;
    const work = (): Promise<number> => Promise.resolve(++asked);
    assert.deepEqual(await Promise.all(ranks.map((one) => one.fromFirst(z.number(), work))), [1, 1, 1]);
    for (const text of ['', 'ä', `€${'\u{1f600}'.repeat(10_000)}`]) {
      const shared = await Promise.all(ranks.map((one) => one.fromFirst(z.string(), () => Promise.resolve(text))));
      assert.deepEqual(shared, [text, text, text]);
    }
  });
});

/** What each rank ends with. */
const ends = (ranks: readonly Communicator[], work: (one: Communicator) => Promise<unknown>): Promise<unknown[]> =>
  Promise.all(ranks.map((one) => work(one).catch((error: unknown) => error)));

test('where one fails, all others get its sentence in what they do next, and none waits', async () => {
  await withCommunicators(3, async (ranks) => {
    const found = await ends(ranks, async (one) => {
      if (one.rank === 1) {
        const error = new UserError('The disk is full; free some.', 'resources');
        await one.fail(error);
        throw error;
      }
      await (one.rank === 0 ? one.sum(new Float32Array(100)) : one.documents(z.string(), ''));
    });
    assert.deepEqual(
      found.map((error) => (error instanceof UserError ? [error.message, error.kind] : error)),
      [
        ['Rank 1: The disk is full; free some.', 'resources'],
        ['The disk is full; free some.', 'resources'],
        ['Rank 1: The disk is full; free some.', 'resources'],
      ],
    );
    // All have parted: nobody waits for anybody.
    await Promise.all(ranks.map((one) => one.fail(new Error('late'))));
    await Promise.all(ranks.map((one) => one.close()));
  });
});

test('ranks that do different things are an error, not a wait', async () => {
  await withCommunicators(2, async (ranks) => {
    const found = await ends(ranks, (one) => one.sum(new Float32Array(50 + one.rank)));
    for (const error of found) assert.match(String(error), /rank \d is at sum 0 of 5\d, rank \d at sum 0 of 5\d/);
  });
});
