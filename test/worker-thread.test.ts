import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

/** What docs/predict.md says of worker threads: one that recognises is asked to end, not terminated. */
const program = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { Recognizer } = await import(workerData.module);
  const recognizer = await Recognizer.load({ threads: 1, aligned: true });
  const stop = new AbortController();
  parentPort.once('message', () => stop.abort());
  async function* pictures() {
    for (;;) yield { data: new Uint8Array(48 * 48), width: 48, height: 48, channels: 1 };
  }
  try {
    let told = false;
    for await (const _ of recognizer.recognize(pictures(), { signal: stop.signal, batchSize: 1 })) {
      if (!told) parentPort.postMessage('recognising');
      told = true;
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  await recognizer.dispose();
  parentPort.postMessage('disposed');
  parentPort.close();
`;

test('a worker thread that recognises ends when it is asked to', async () => {
  const module = new URL('../src/recognize/recognizer.js', import.meta.url).href;
  const address = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
  const worker = new Worker(address, { workerData: { module } });
  assert.deepEqual(await once(worker, 'message'), ['recognising']);
  worker.postMessage('end');
  assert.deepEqual(await once(worker, 'message'), ['disposed']);
  assert.deepEqual(await once(worker, 'exit'), [0]);
});
