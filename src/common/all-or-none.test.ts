import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allOrNone, wholeOrNone } from './all-or-none.js';

/** Something that is made in a while, and says that it is gone. */
function thing(name: string, gone: string[]): { readonly name: string; dispose(): Promise<void> } {
  return {
    name,
    async dispose() {
      gone.push(name);
    },
  };
}

const failing = (text: string): Promise<never> => Promise.reject(new Error(text));

test('both, or neither: what was made beside a failure is disposed of, and the first failure is thrown', async () => {
  const gone: string[] = [];
  const made = (name: string) => Promise.resolve(thing(name, gone));
  const [a, b] = await allOrNone(made('a'), made('b'));
  assert.deepEqual([a.name, b.name, gone], ['a', 'b', []]);
  assert.equal((await allOrNone(made('a'), Promise.resolve(undefined)))[1], undefined);
  await assert.rejects(allOrNone(failing('no network'), made('detector')), /^Error: no network$/);
  await assert.rejects(allOrNone(made('network'), failing('no detector')), /^Error: no detector$/);
  assert.deepEqual(gone, ['detector', 'network']);
  await assert.rejects(allOrNone(failing('first'), failing('second')), /^Error: first$/);
});

test('the whole, or nothing: parts are disposed of from the last to the first where a later one fails', async () => {
  const gone: string[] = [];
  const pair = await wholeOrNone(async (own) => [own(thing('a', gone)).name, own(thing('b', gone)).name]);
  assert.deepEqual([pair, gone], [['a', 'b'], []]);
  const stuck = { dispose: () => failing('stuck') };
  const half = wholeOrNone(async (own) => {
    const parts = [own(thing('a', gone)), own(stuck), own(thing('b', gone))];
    return [...parts, own(await failing('no third'))];
  });
  await assert.rejects(half, /^Error: no third$/);
  assert.deepEqual(gone, ['b', 'a']);
});
