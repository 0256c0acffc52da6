import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import websocket from '@fastify/websocket';
import Fastify from 'fastify';
import { WebSocket } from 'ws';
import type { Recognizer } from '../../recognize/index.js';
import { problemDocument } from '../../service/problem-document.js';
import { BodyReader } from './body-reader.js';
import { Cameras } from './cameras.js';
import { addEndpoints } from './endpoint.js';
import { Inference } from './inference.js';
import { createMetrics } from './metrics.js';
import { Networks } from './networks.js';
import { completeSettings } from './settings.js';

class DefectiveNetworks extends Networks {
  override get recognizer(): Recognizer {
    throw new TypeError('a defect of the networks');
  }
}

/** What a camera is told of its first frame, and what the log has of it. */
async function answered(t: TestContext): Promise<{ readonly status: number; readonly log: string }> {
  const lines: string[] = [];
  const app = Fastify({ logger: { level: 'error', stream: { write: (line: string) => void lines.push(line) } } });
  t.after(() => app.close());
  const settings = completeSettings({});
  const metrics = createMetrics(() => ({ queueLength: () => 0, inHand: () => 0, ready: () => true }));
  const inference = new Inference(new DefectiveNetworks(metrics, app.log), settings, metrics);
  await app.register(websocket);
  addEndpoints(app, [new Cameras(inference, { bodies: new BodyReader(), limits: settings }, settings).endpoint()]);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const socket = new WebSocket(`ws://127.0.0.1:${(app.server.address() as AddressInfo).port}/v1/camera`);
  t.after(() => socket.terminate());
  // It may come with the answer that opens the connection.
  const message = once(socket, 'message');
  await once(socket, 'open');
  socket.send(Buffer.from('a frame'));
  const [data] = await message;
  return { status: problemDocument.parse(JSON.parse(String(data))).status, log: lines.join('') };
}

test('a defect of a camera is in the log, as its answer says', async (t) => {
  const { status, log } = await answered(t);
  assert.equal(status, 500);
  assert.match(log, /a defect of the networks/);
});
