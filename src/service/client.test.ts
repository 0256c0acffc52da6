import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient, type SentPicture } from './client.js';

/** Nobody listens there: what is refused is refused before anything is sent. */
const url = 'http://127.0.0.1:9';
const usage = (message: RegExp) => ({ name: 'UserError', kind: 'usage', message });
const made = (options: unknown) => (): unknown => Reflect.apply(createClient, undefined, [options]);

test('a client without an address, or with options that cannot be, is refused in a sentence', () => {
  for (const options of [undefined, null, {}, { url: 5 }, { url: undefined }]) {
    assert.throws(made(options), usage(/^createClient needs 'url'; give a text\.$/));
  }
  assert.throws(
    made({ url, timeouts: 5 }),
    usage(/has no option 'timeouts'; its options are url, key, timeout, retries/),
  );
  // A timer of more than 31 bits of milliseconds rings at once.
  for (const timeout of [0, -1, Number.NaN, 2 ** 31 / 1000, Number.POSITIVE_INFINITY]) {
    assert.throws(made({ url, timeout }), usage(/^An answer cannot be awaited for \S+ s; give a timeout above 0/));
  }
  // With retries that are no number a request would be sent again for ever.
  for (const retries of [-1, 0.5, Number.NaN]) {
    assert.throws(made({ url, retries }), usage(/^A request cannot be sent again \S+ times/));
  }
  for (const options of [
    { url, timeout: 1e6 },
    { url, retries: Number.POSITIVE_INFINITY },
  ])
    made(options)();
});

test('a path is no picture to be sent, nor is memory that was given away', async () => {
  const client = createClient({ url });
  const wrong: readonly unknown[] = ['photo.jpg', undefined, null, {}, new URL('file:///photo.jpg')];
  for (const picture of wrong as readonly SentPicture[]) {
    const refused = usage(/^A picture is sent as the bytes of its file; read it first/);
    await assert.rejects(client.recognize(picture), refused);
    await assert.rejects(client.explain(picture), refused);
    await assert.rejects(client.recognizeBatch([picture]), refused);
  }
  const given = new Uint8Array(8);
  structuredClone(given, { transfer: [given.buffer] });
  await assert.rejects(client.recognize(given), { name: 'UserError', message: /was given to another thread/ });
  await assert.rejects(Reflect.apply(client.recognizeBatch, client, [undefined]), usage(/^The batch has no picture/));
});
