import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyBudget, type Lease, MemoryBudget } from './memory-budget.js';
import { nextTurn } from './turns.js';

const KiB = 1024;
const turns = async (count = 4): Promise<void> => {
  for (let i = 0; i < count; i++) await nextTurn();
};

/** Asks, and writes down when it is granted. */
function ask(
  budget: MemoryBudget,
  granted: Map<string, Lease>,
  name: string,
  kib: number,
  urgent = (): boolean => true,
): void {
  void budget.acquire(kib * KiB, { urgent }).then((lease) => granted.set(name, lease));
}

test('works wait for room in the order of asking, small ones behind large ones', async () => {
  const budget = new MemoryBudget(100 * KiB);
  const granted = new Map<string, Lease>();
  ask(budget, granted, 'a', 60);
  ask(budget, granted, 'b', 60);
  ask(budget, granted, 'c', 10);
  await turns();
  assert.deepEqual([...granted.keys()], ['a']);
  granted.get('a')?.release();
  granted.get('a')?.release();
  await turns();
  assert.deepEqual([...granted.keys()], ['a', 'b', 'c']);
  assert.equal(budget.used, 70 * KiB);
});

test('what is larger than the budget goes alone', async () => {
  const budget = new MemoryBudget(100 * KiB);
  const granted = new Map<string, Lease>();
  ask(budget, granted, 'small', 1);
  ask(budget, granted, 'huge', 1000);
  ask(budget, granted, 'next', 1);
  await turns();
  assert.deepEqual([...granted.keys()], ['small']);
  granted.get('small')?.release();
  await turns();
  assert.deepEqual([...granted.keys()], ['small', 'huge']);
  granted.get('huge')?.release();
  await turns();
  assert.equal(granted.size, 3);
});

test('work ahead of need takes half at most, waits for its turn, and never stops work that is needed', async () => {
  const budget = new MemoryBudget(100 * KiB);
  const granted = new Map<string, Lease>();
  let needed = false;
  ask(budget, granted, 'ahead', 50, () => false);
  ask(budget, granted, 'more ahead', 10, () => needed);
  await turns();
  ask(budget, granted, 'now', 50);
  await turns();
  assert.deepEqual([...granted.keys()], ['ahead', 'now']);
  // All is held by what may wait for ever, and more: one goes beyond the budget, the next does not.
  granted.get('now')?.release();
  budget.hold(200 * KiB, false);
  ask(budget, granted, 'beyond', 50);
  ask(budget, granted, 'one too many', 50);
  await turns();
  assert.deepEqual([...granted.keys()], ['ahead', 'now', 'beyond']);
  granted.get('beyond')?.release();
  needed = true;
  budget.reconsider();
  await turns();
  assert(granted.has('more ahead') && !granted.has('one too many'));
  granted.get('more ahead')?.release();
  await turns();
  assert(granted.has('one too many'));
});

test('memory that is held on within the turn of its release is not given away', async () => {
  const budget = new MemoryBudget(100 * KiB);
  const granted = new Map<string, Lease>();
  ask(budget, granted, 'a', 90);
  await turns();
  ask(budget, granted, 'b', 50);
  granted.get('a')?.release();
  const held = budget.hold(60 * KiB, true);
  await turns();
  assert.deepEqual([...granted.keys()], ['a']);
  held.release();
  await turns();
  assert.deepEqual([...granted.keys()], ['a', 'b']);
});

test('who gives up waiting makes room for those behind', async () => {
  const budget = new MemoryBudget(100 * KiB);
  const granted = new Map<string, Lease>();
  ask(budget, granted, 'a', 60);
  const stop = new AbortController();
  const waiting = budget.acquire(60 * KiB, { signal: stop.signal });
  ask(budget, granted, 'c', 10);
  stop.abort(new Error('enough'));
  await assert.rejects(waiting, /^Error: enough$/);
  await turns();
  assert.deepEqual([...granted.keys()], ['a', 'c']);
  await assert.rejects(budget.acquire(1, { signal: stop.signal }), /^Error: enough$/);
});

test('threads count together, and notice what the other gives back', async () => {
  const here = new MemoryBudget(100 * KiB);
  const there = new MemoryBudget(100 * KiB, here.shared);
  const lease = await here.acquire(60 * KiB);
  assert.equal(there.used, 60 * KiB);
  const other = there.acquire(60 * KiB);
  await turns();
  assert.equal(there.used, 60 * KiB);
  lease.release();
  await other;
  assert.equal(here.used, 60 * KiB);
});

test('what a thread held when it ended is taken back, and nothing else', async () => {
  const here = new MemoryBudget(100 * KiB);
  const account = emptyBudget();
  const there = new MemoryBudget(100 * KiB, here.shared, account);
  const own = await here.acquire(10 * KiB);
  const released = await there.acquire(20 * KiB);
  await there.acquire(60 * KiB);
  there.hold(50 * KiB, true);
  released.release();
  assert.equal(here.used, 120 * KiB);
  const waiting = here.acquire(90 * KiB);
  here.forgive(account);
  const lease = await waiting;
  assert.equal(here.used, 100 * KiB);
  here.forgive(account);
  own.release();
  lease.release();
  assert.equal(here.used, 0);
  // Nor does an urgent work count that nobody does any more: the next may go beyond the budget.
  assert.equal((await here.acquire(200 * KiB)).bytes, 200 * KiB);
});
