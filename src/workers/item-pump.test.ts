import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Parcel } from '../common/parcel.js';
import { ItemPump, type PumpTarget } from './item-pump.js';
import type { SentItem } from './messages.js';

const parcel: Parcel<SentItem> = { content: { image: { path: 'x' } }, transfer: [], bytes: 0 };

/** Numbers without end, and whether they were closed. */
function endless(): { readonly items: AsyncIterable<number>; readonly closed: () => boolean } {
  let isClosed = false;
  async function* items(): AsyncGenerator<number, void, void> {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      isClosed = true;
    }
  }
  return { items: items(), closed: () => isClosed };
}

/** How the other side hears that there is no more. */
const ended = (send: PumpTarget['send']): PumpTarget & { readonly ends: boolean[] } => {
  const ends: boolean[] = [];
  return { send, end: (failed) => ends.push(failed), ends };
};

test('an item that cannot be packed or sent closes its source', async () => {
  const uncloneable = new DOMException('a function could not be cloned', 'DataCloneError');
  const fail = (): never => {
    throw uncloneable;
  };
  for (const [pack, send] of [
    [async () => fail(), () => undefined],
    [async () => parcel, fail],
  ] as const) {
    const { items, closed } = endless();
    const pump = new ItemPump(items, pack, 4);
    const target = ended(send);
    await pump.run(target);
    assert.equal(pump.failure, uncloneable);
    assert.deepEqual(target.ends, [true]);
    assert.equal(closed(), true);
  }
});

test('a source that fails is not closed again, and its error is the failure', async () => {
  const unplugged = new RangeError('unplugged');
  let returned = 0;
  const items: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.reject(unplugged),
      return: async () => {
        returned++;
        return { done: true, value: undefined };
      },
    }),
  };
  const pump = new ItemPump(items, async () => parcel, 4);
  const target = ended(() => undefined);
  await pump.run(target);
  assert.equal(pump.failure, unplugged);
  assert.deepEqual(target.ends, [true]);
  assert.equal(returned, 0);
});
