import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LearnThread } from './learn-thread.js';

/** In place of a browser's worker: makes a learner, and then says what cannot be read. */
class BrokenWorker extends EventTarget {
  terminated = false;

  postMessage({ type }: { readonly type: string }): void {
    const facts = { labels: { name: 'two', labels: ['a', 'b'] }, counts: { training: 2, heldOut: 2 } };
    const answer =
      type === 'create' ? new MessageEvent('message', { data: { type: 'created', facts } }) : new Event('messageerror');
    setImmediate(() => this.dispatchEvent(answer));
  }

  terminate(): void {
    this.terminated = true;
  }
}

test('an answer of the worker that cannot be read ends it, and nobody waits for ever', async (t) => {
  const workers: BrokenWorker[] = [];
  class Made extends BrokenWorker {
    constructor() {
      super();
      workers.push(this);
    }
  }
  const before = Object.getOwnPropertyDescriptor(globalThis, 'Worker');
  Object.defineProperty(globalThis, 'Worker', { value: Made, configurable: true });
  t.after(() => {
    if (before === undefined) Reflect.deleteProperty(globalThis, 'Worker');
    else Object.defineProperty(globalThis, 'Worker', before);
  });
  const { thread } = await LearnThread.start({ crops: [] });
  const ended = { name: 'UserError', kind: 'resources', message: /^The worker that learns has ended/ };
  await assert.rejects(thread.ask({ type: 'next' }), ended);
  await assert.rejects(thread.ask({ type: 'next' }), ended);
  assert.deepEqual(
    workers.map(({ terminated }) => terminated),
    [true],
  );
});
