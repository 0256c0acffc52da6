import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { UserError } from '../../common/errors.js';
import type { LoadProgress } from '../../common/load-progress.js';
import { setBaseAddress } from './base-address.js';
import { fetchBytes } from './fetch-bytes.js';

test('bytes at an address are read up to a limit, and no further, and what has come is told', async (context) => {
  let gone: () => void = () => undefined;
  const left = new Promise<void>((resolve) => {
    gone = resolve;
  });
  const server = createServer((request, response) => {
    response.on('close', gone);
    if (request.url?.startsWith('/small')) return response.end(Buffer.from([1, 2, 3]));
    // Endless: only whoever reads it can end it.
    const more = (error?: Error | null): void => {
      if (error != null) return;
      response.write(new Uint8Array(65536), more);
    };
    more();
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // There is no page here whose address counts.
  setBaseAddress(address);
  const limit = { bytes: 3, error: () => new UserError('It is too large; save it smaller.') };
  assert.deepEqual(await fetchBytes(`${address}/small`, 'The file', { limit }), Uint8Array.of(1, 2, 3));
  assert.deepEqual(await fetchBytes('small', 'The file'), Uint8Array.of(1, 2, 3));
  const reported: LoadProgress[] = [];
  await fetchBytes(`${address}/small?size=3`, 'The file', { onProgress: (one) => reported.push(one) });
  assert.deepEqual(reported.at(-1), { file: 'small', loaded: 3, total: 3 });
  const larger = { ...limit, bytes: 100_000 };
  await assert.rejects(fetchBytes(`${address}/endless`, 'The file', { limit: larger }), /^UserError: It is too large/);
  // It hung up.
  await left;
});
