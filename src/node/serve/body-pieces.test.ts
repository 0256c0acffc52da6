import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { BodyPieces, type BodyPiecesLimits } from './body-pieces.js';
import { RequestProblem } from './problem.js';

/** What became of a body: its bytes, or the name of its problem. */
type Outcome = string | number;

interface Reading {
  readonly request: IncomingMessage;
  readonly outcome: Promise<Outcome>;
}

/** Reads bodies from real connections. @returns what sends a head and begins of a body, and how that is read */
async function reader(
  t: TestContext,
  limits: BodyPiecesLimits,
): Promise<{
  readonly pieces: BodyPieces;
  send(headers: string, body: string): Promise<Reading & { readonly socket: Socket }>;
}> {
  const pieces = new BodyPieces(limits);
  const server = createServer();
  server.on('request', (request: IncomingMessage) => {
    const read = async (): Promise<Outcome> => {
      try {
        return (await pieces.read(request, () => undefined)).length;
      } catch (error) {
        return error instanceof RequestProblem ? error.problem : String(error);
      }
    };
    server.emit('reading', { request, outcome: read() } satisfies Reading);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    pieces,
    send: async (headers, body) => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => undefined);
      const reading = once(server, 'reading');
      socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${body}`);
      const [found] = (await reading) as [Reading];
      return { ...found, socket };
    },
  };
}

/** Once so many bytes are held. */
async function held(pieces: BodyPieces, bytes: number): Promise<void> {
  while (pieces.held !== bytes) await new Promise<void>((resolve) => void setImmediate(resolve));
}

test('a body for which there is no memory is refused, and does not end the process', async (t) => {
  const most = Number.MAX_SAFE_INTEGER;
  const { send } = await reader(t, { maxBody: most, maxBodies: most });
  const { outcome } = await send(`content-length: ${2 ** 52}`, 'x');
  assert.equal(await outcome, 'no-resources');
});

test('bodies in memory are bounded, those whose length is not known too, until their requests are over', async (t) => {
  const { pieces, send } = await reader(t, { maxBody: 100, maxBodies: 150 });
  // It has come but for a byte.
  const first = await send('content-length: 100', 'x'.repeat(99));
  await held(pieces, 99);
  assert.equal(await (await send('content-length: 52', '')).outcome, 'overloaded');
  const grows = await send('transfer-encoding: chunked', `33\r\n${'x'.repeat(51)}\r\n`);
  await held(pieces, 150);
  grows.socket.write('1\r\nx\r\n0\r\n\r\n');
  assert.equal(await grows.outcome, 'overloaded');
  pieces.release(grows.request);
  pieces.release(grows.request);
  await held(pieces, 99);
  const fits = await send('content-length: 51', 'x'.repeat(51));
  assert.equal(await fits.outcome, 51);
  assert.equal(pieces.held, 150);
  first.socket.write('x');
  // Both together are a byte too many.
  assert.equal(await first.outcome, 'overloaded');
  pieces.release(first.request);
  pieces.release(fits.request);
  assert.equal(pieces.held, 0);
  assert.equal(await (await send('content-length: 101', '')).outcome, 'too-large');
  assert.equal(await (await send('content-length: 100', 'x'.repeat(100))).outcome, 100);
});
