import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Ahead } from './ahead.js';

async function all<T, R>(ahead: Ahead<T, R>): Promise<R[]> {
  const results: R[] = [];
  for (let next = await ahead.next(); next !== undefined; next = await ahead.next()) results.push(next.value);
  return results;
}

test('results come in the order of the items, whichever is ready first, and never more than the limit are begun', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(5)),
      fc.integer({ min: 1, max: 6 }),
      fc.boolean(),
      async (turns, limit, isAsync) => {
        let [begun, most] = [0, 0];
        const work = async (wait: number, index: number): Promise<string> => {
          begun++;
          most = Math.max(most, begun);
          for (let i = 0; i < wait; i++) await turn();
          return `${index}:${wait}`;
        };
        async function* stream(): AsyncGenerator<number> {
          yield* turns;
        }
        const ahead = new Ahead(isAsync ? stream() : turns, limit, work);
        const results: string[] = [];
        for (let next = await ahead.next(); next !== undefined; next = await ahead.next()) {
          begun--;
          results.push(next.value);
        }
        await ahead.close();
        assert.deepEqual(
          results,
          turns.map((wait, i) => `${i}:${wait}`),
        );
        // One may take the place of the one that is being handed over.
        assert.ok(most <= limit + 1, `${most} at once`);
      },
    ),
    { numRuns: 60 },
  );
});

test('work that fails is one result; what the source throws comes after all results', async () => {
  function* source(): Generator<number> {
    yield* [1, 2, 3];
    throw new Error('no more frames');
  }
  const ahead = new Ahead(source(), 2, async (item) => {
    if (item === 2) throw new Error('not this one');
    return item;
  });
  assert.deepEqual(await ahead.next(), { value: 1 });
  await assert.rejects(ahead.next(), /not this one/);
  assert.deepEqual(await ahead.next(), { value: 3 });
  await assert.rejects(ahead.next(), /no more frames/);
  assert.equal(await ahead.next(), undefined);
});

test('it is idle only while the source lets wait', async () => {
  let give: () => void = () => undefined;
  async function* camera(): AsyncGenerator<number> {
    yield 1;
    await new Promise<void>((resolve) => {
      give = resolve;
    });
    yield 2;
  }
  const ahead = new Ahead(camera(), 4, async (item) => item);
  assert.equal(await ahead.isIdle(), false);
  assert.deepEqual(await ahead.next(), { value: 1 });
  assert.equal(await ahead.isIdle(), true);
  give();
  assert.deepEqual(await all(ahead), [2]);
  assert.equal(await ahead.isIdle(), false);
});

test('a signal ends the wait for a source that gives nothing', async () => {
  const controller = new AbortController();
  async function* silent(): AsyncGenerator<number> {
    await new Promise(() => undefined);
    yield 1;
  }
  const ahead = new Ahead(silent(), 1, async (item) => item, controller.signal);
  const next = ahead.next();
  controller.abort(new Error('enough'));
  await assert.rejects(next, /enough/);
  await ahead.close();
});

test('closing tells the source and begins nothing more', async () => {
  let [returned, begun] = [false, 0];
  function* endless(): Generator<number> {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      returned = true;
    }
  }
  const ahead = new Ahead(endless(), 3, async (item) => {
    begun++;
    return item;
  });
  await ahead.next();
  await ahead.close();
  const before = begun;
  await turn();
  assert.equal(returned, true);
  assert.equal(begun, before);
  assert.ok(begun <= 5);
});

test('it is idle also while the work on the next item lets wait', async () => {
  const done = new Ahead([1], 4, async (item) => item);
  assert.equal(await done.isIdle({ work: 1 }), false);
  const stalled = new Ahead([1], 4, () => new Promise(() => undefined));
  assert.equal(await stalled.isIdle({ work: 1 }), true);
});
