import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission } from './admission.js';
import { RequestProblem } from './problem.js';

const never = new AbortController().signal;
const turnedAway = (error: unknown): boolean => {
  assert.ok(error instanceof RequestProblem);
  assert.equal(error.problem, 'overloaded');
  assert.ok(error.retryAfter !== undefined && error.retryAfter >= 1);
  return true;
};

/** Work that ends when it is told to. */
function held(): { readonly work: () => Promise<string>; readonly end: () => void } {
  let end: () => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    end = () => resolve('done');
  });
  return { work: () => ended, end };
}

test('so many are in hand, so many pictures wait in their order, and the rest is turned away', async () => {
  const admission = new Admission({ concurrency: 2, maxQueue: 3, deadline: 30 });
  const first = held();
  const order: string[] = [];
  const inHand = [admission.run(1, never, first.work), admission.run(8, never, first.work)];
  const waiting = [
    admission.run(2, never, async () => order.push('two')),
    admission.run(1, never, async () => order.push('one')),
  ];
  assert.deepEqual([admission.inHand, admission.waiting], [2, 3]);
  assert.throws(() => admission.check(), turnedAway);
  await assert.rejects(
    admission.run(1, never, async () => 0),
    turnedAway,
  );
  first.end();
  assert.deepEqual(await Promise.all(inHand), ['done', 'done']);
  await Promise.all(waiting);
  assert.deepEqual(order, ['two', 'one']);
  assert.deepEqual([admission.inHand, admission.waiting], [0, 0]);
});

test('who leaves the queue gives its place to others, and its work is never begun', async () => {
  const admission = new Admission({ concurrency: 1, maxQueue: 1, deadline: 30 });
  const first = held();
  const inHand = admission.run(1, never, first.work);
  const leaving = new AbortController();
  const left = admission.run(1, leaving.signal, () => assert.fail('begun for nobody'));
  leaving.abort(new Error('gone'));
  await assert.rejects(left, /gone/);
  const next = admission.run(1, never, async () => 'next');
  first.end();
  assert.deepEqual(await Promise.all([inHand, next]), ['done', 'next']);
  await assert.rejects(
    admission.run(1, leaving.signal, async () => 0),
    /gone/,
  );
  assert.deepEqual([admission.inHand, admission.waiting], [0, 0]);
});

test('work that fails gives its place back', async () => {
  const admission = new Admission({ concurrency: 1, maxQueue: 0, deadline: 30 });
  await assert.rejects(
    admission.run(1, never, async () => {
      throw new RangeError('broken');
    }),
    /broken/,
  );
  assert.equal(await admission.run(1, never, async () => 'next'), 'next');
});

test('who would wait beyond the deadline is turned away at once', async () => {
  // Nothing has ended yet: a picture counts as 0.1 s.
  const admission = new Admission({ concurrency: 1, maxQueue: 100, deadline: 0.15 });
  const first = held();
  const accepted = [1, 2, 3].map(() => admission.run(1, never, first.work));
  await assert.rejects(
    admission.run(1, never, async () => 0),
    turnedAway,
  );
  first.end();
  assert.deepEqual(await Promise.all(accepted), ['done', 'done', 'done']);
});
