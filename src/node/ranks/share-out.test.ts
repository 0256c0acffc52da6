import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { withCommunicators } from '../../../test/support/local-communicators.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { Communicator } from './communicator.js';
import { shareOut, takePart, type UnitWork } from './share-out.js';

const units = Array.from({ length: 40 }, (_, i) => i);
const never = new AbortController().signal;

/** What rank 0 gets of work that all do, each as it is told. */
async function together(
  ranks: readonly Communicator[],
  workOf: (rank: number) => UnitWork<number>,
  {
    held,
    stop = never,
    stopOther = never,
    onResult = () => undefined,
  }: {
    readonly held?: number;
    readonly stop?: AbortSignal;
    readonly stopOther?: AbortSignal;
    readonly onResult?: (unit: number) => unknown;
  } = {},
): Promise<{ readonly results: object[]; readonly ends: PromiseSettledResult<unknown>[] }> {
  const results: object[] = [];
  const first = async (): Promise<void> => {
    const shared = shareOut(itemAt(ranks, 0), { units, ahead: 4, work: workOf(0), stop }, held);
    for await (const { unit, json } of shared) {
      assert.equal(unit, results.length);
      results.push(JSON.parse(json) as object);
      await onResult(unit);
    }
  };
  const others = ranks.slice(1).map((one) => takePart(one, z.int(), { work: workOf(one.rank), stop: stopOther }));
  const running = [first(), ...others].map((work, rank) =>
    work.catch(async (error: unknown) => {
      // As every command does.
      await itemAt(ranks, rank).fail(error);
      throw error;
    }),
  );
  return { results, ends: await Promise.allSettled(running) };
}

test('three ranks do each unit once, and the results come in order', { timeout: 20_000 }, async () => {
  const shares = await withCommunicators(3, async (ranks) => {
    const done = [0, 0, 0];
    const { results, ends } = await together(
      ranks,
      (rank) =>
        async function* (given) {
          for await (const unit of given) {
            // One takes longer than the others.
            if (rank === 1) await sleep(5);
            done[rank] = itemAt(done, rank) + 1;
            yield { square: unit * unit };
          }
        },
    );
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled'],
    );
    assert.deepEqual(
      results,
      units.map((unit) => ({ square: unit * unit })),
    );
    return done;
  });
  assert.equal(
    shares.reduce((sum, one) => sum + one),
    units.length,
  );
  assert.ok(itemAt(shares, 1) < units.length / 3, `the slow one did ${shares}`);
});

/** Each unit's square. */
const square: UnitWork<number> = async function* (given) {
  for await (const unit of given) yield { square: unit * unit };
};

test('no more than so much waits for a unit that takes long', { timeout: 20_000 }, async () => {
  await withCommunicators(2, async (ranks) => {
    let others = 0;
    const counted: UnitWork<number> = async function* (given) {
      for await (const unit of given) {
        others++;
        yield { square: unit * unit };
      }
    };
    const slow: UnitWork<number> = async function* (given) {
      for await (const unit of given) {
        // The other rank has stood still for a while by then.
        for (let before = -1; unit === 0 && before < others; await sleep(50)) before = others;
        if (unit === 0) assert.ok(others < units.length / 2, `${others}`);
        yield { square: unit * unit };
      }
    };
    const { results, ends } = await together(ranks, (rank) => (rank === 0 ? slow : counted), { held: 40 });
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
    assert.equal(results.length, units.length);
  });
});

test('all end where one fails, with its sentence', { timeout: 20_000 }, async () => {
  for (const failing of [0, 1, 2]) {
    const { ends } = await withCommunicators(3, (ranks) =>
      together(ranks, (rank) =>
        rank !== failing
          ? square
          : async function* (given) {
              for await (const unit of given) {
                if (unit > 5) throw new UserError('The disk is full.', 'resources');
                yield { square: unit * unit };
              }
            },
      ),
    );
    for (const [rank, end] of ends.entries()) {
      assert.ok(end.status === 'rejected' && end.reason instanceof UserError);
      // Of the first rank the others hear when it tells them.
      const sentence = rank === failing ? 'The disk is full.' : `Rank ${failing}: The disk is full.`;
      assert.equal(end.reason.message, sentence);
      assert.equal(end.reason.kind, 'resources');
    }
  }
});

test('asked to stop, wherever, they end behind what they have begun', { timeout: 20_000 }, async () => {
  for (const which of ['stop', 'stopOther'] as const) {
    await withCommunicators(2, async (ranks) => {
      const controller = new AbortController();
      const slowly: UnitWork<number> = async function* (given) {
        for await (const unit of given) {
          await sleep(5);
          yield { square: unit * unit };
        }
      };
      const onResult = (unit: number): void => {
        if (unit === 3) controller.abort();
      };
      const { results, ends } = await together(ranks, () => slowly, { [which]: controller.signal, onResult });
      assert.deepEqual(
        ends.map(({ status }) => status),
        ['fulfilled', 'fulfilled'],
      );
      assert.ok(results.length > 3 && results.length < units.length, `${results.length}`);
    });
  }
});
