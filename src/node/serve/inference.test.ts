import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { Inference } from './inference.js';
import { createMetrics } from './metrics.js';
import { Networks } from './networks.js';
import { completeSettings } from './settings.js';

test('pictures that are all refused wait for no turn', async () => {
  const settings = completeSettings({ concurrency: 1, maxQueue: 0, maxPixels: 100 });
  const metrics = createMetrics(() => ({ queueLength: () => 0, inHand: () => 0, ready: () => true }));
  const inference = new Inference(new Networks(metrics, pino({ level: 'silent' })), settings, metrics);
  const { signal } = new AbortController();
  let end: () => void = () => undefined;
  const before = inference.admission.run(1, signal, () => new Promise<void>((resolve) => (end = resolve)));
  await new Promise<void>((resolve) => void setImmediate(resolve));
  const large = { bytes: new Uint8Array(1), size: { width: 11, height: 10 } };
  const [result] = await inference.recognize([large], {}, signal);
  assert.ok(result?.status === 'rejected');
  assert.match(String(result.reason), /Picture 1 is 11 x 10 pixels, more than the 100 that are accepted/);
  end();
  await before;
});
