import assert from 'node:assert/strict';
import { test } from 'node:test';
import { host } from '#host';
import { useOrt } from '../runtime/index.js';

test('where ONNX Runtime was not to be had, the form for this processor is looked for again', async () => {
  // Other tests share the process, and what they have found.
  const alone = new URL('target.js?alone', import.meta.url).href;
  const { cpuTarget } = (await import(alone)) as typeof import('./target.js');
  const ort = await host.loadOrt({ device: 'cpu' });
  let asked = 0;
  const unreachable = {
    create: () => {
      asked++;
      return Promise.reject(new Error('the network is gone'));
    },
  };
  useOrt({ ...ort, InferenceSession: unreachable });
  const failures = await Promise.allSettled([cpuTarget(), cpuTarget()]);
  assert.deepEqual(
    failures.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(asked, 1);
  useOrt(ort);
  const target = await cpuTarget();
  assert.equal(target.device, 'cpu');
  assert.equal(await cpuTarget(), target);
});
