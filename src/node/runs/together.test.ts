import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod';
import { withCommunicators } from '../../../test/support/local-communicators.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { runFor } from './recipes.js';
import { type Compared, compareRanks, compareTeachers } from './together.js';

const compared: Compared = {
  run: runFor({ data: 'faces', given: { model: 'resnet8' } }),
  digest: { train: 'a', validation: 'b' },
  weights: [new Map([['fc.weight', Float32Array.of(1, 2)]])],
};

const identity = z.looseObject({ host: z.string(), versions: z.record(z.string(), z.string()) });
type Identity = z.infer<typeof identity>;

/** What a rank tells the others at the start. */
const identify = (): Promise<Identity> =>
  withCommunicators(2, async (ranks) => {
    const [first, second] = [itemAt(ranks, 0), itemAt(ranks, 1)];
    const ends = compareRanks(first, compared).catch(() => 0);
    const all = await second.documents(identity, { host: '', versions: {} });
    await ends;
    return itemAt(all, 0);
  });

/** How ranks end, of which the third tells something else than the others. */
async function endsWith(changed: (own: Identity) => Identity): Promise<readonly unknown[]> {
  const other = changed(await identify());
  return withCommunicators(3, (ranks) =>
    Promise.all(
      ranks.map((rank) =>
        (rank.rank === 2 ? rank.documents(identity, other) : compareRanks(rank, compared)).catch(
          (error: unknown) => error,
        ),
      ),
    ),
  );
}

describe('ranks that differ at the start are named, on all ranks, with what to do:', () => {
  const other = 'node07';
  const cases: readonly (readonly [string, (own: Identity) => Identity, RegExp])[] = [
    [
      'another version of this program',
      (own) => ({ ...own, host: other, versions: { ...own.versions, 'poster-v2': '0.0.9' } }),
      /^Rank 2 \(node07\) has poster-v2 0\.0\.9 where rank 0 has \d+\.\d+\.\d+\S*; install the same on all machines\.$/,
    ],
    [
      'a package that rank 0 does not have',
      (own) => ({ ...own, host: other, versions: { ...own.versions, more: '1' } }),
      /^Rank 2 \(node07\) has more 1 where rank 0 has none; install/,
    ],
    [
      'another option',
      (own) => ({ ...own, host: other, options: { ...Object(own['options']), seed: '7' } }),
      /^Rank 2 \(node07\) has 7 as seed where rank 0 has 0; give all ranks the same options\.$/,
    ],
    [
      'other training pictures',
      (own) => ({ ...own, host: other, data: { train: 'z', validation: 'b' } }),
      /^Rank 2 \(node07\) has other training pictures than rank 0: .*; give all ranks the same data\.$/,
    ],
    [
      'other validation pictures',
      (own) => ({ ...own, host: other, data: { train: 'a', validation: 'z' } }),
      /^Rank 2 \(node07\) has other validation pictures than rank 0: /,
    ],
    [
      'other weights',
      (own) => ({ ...own, host: other, weights: 'z' }),
      /^Rank 2 \(node07\) starts from other weights than rank 0; give all ranks the same files\.$/,
    ],
  ];
  for (const [what, changed, sentence] of cases) {
    test(what, async () => {
      const [first, second] = await endsWith(changed);
      for (const error of [first, second]) {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, sentence);
      }
    });
  }

  test('none, where only the folder of the data and the host differ', async () => {
    const elsewhere = { ...compared, run: { ...compared.run, data: '/scratch/faces' } };
    const found = await withCommunicators(2, (ranks) =>
      Promise.all(ranks.map((rank) => compareRanks(rank, rank.rank === 0 ? compared : elsewhere))),
    );
    assert.deepEqual(found, [2, 2]);
  });

  test('another teacher', async () => {
    const end = (digests: readonly (readonly string[])[]): Promise<readonly unknown[]> =>
      withCommunicators(3, (ranks) =>
        Promise.all(
          ranks.map((rank) => compareTeachers(rank, itemAt(digests, rank.rank)).catch((error: unknown) => error)),
        ),
      );
    for (const error of await end([
      ['a', 'b'],
      ['a', 'b'],
      ['b', 'a'],
    ])) {
      assert.ok(error instanceof UserError, String(error));
      assert.match(
        error.message,
        /^Rank 2 learns from other teachers than rank 0: .*; give all ranks the same files\.$/,
      );
      assert.deepEqual([error.kind, error.settings], ['input', ['teacher']]);
    }
    assert.deepEqual(await end([['a'], ['a'], ['a']]), [undefined, undefined, undefined]);
  });
});
