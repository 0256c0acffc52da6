import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findAdapter, runScript } from './support/webgpu.js';

/**
 * Also runs what takes minutes more in software: POSTER V2 of the published size, in both of the runtime's layouts, and its training with
 * masks and a landmark branch that is frozen or trained; POSTER V1 and ARM. All operations and their gradients are compared one by one in
 * any case, and so are the bundled network and what training does besides.
 */
const full = process.env['POSTER_TEST_WEBGPU'] === 'full';

test('WebGPU', async (t) => {
  const adapter = findAdapter();
  if (!adapter.found) {
    t.skip(adapter.reason);
    return;
  }
  t.diagnostic(adapter.software ? 'on SwiftShader, in software' : 'on the adapter of this machine');
  try {
    const { status, stdout, stderr } = runScript(
      new URL('webgpu/child.js', import.meta.url),
      adapter.env,
      full ? ['--full'] : [],
    );
    const results = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { name: string; error?: string });
    for (const { name, error } of results) await t.test(name, () => assert.equal(error, undefined));
    // A crash of the runtime, as when its last session is released, ends the process early.
    await t.test('the process ends by itself', () => {
      assert.equal(results.at(-1)?.name, 'end', stderr);
      assert.equal(status, 0, stderr);
    });
    if (full) {
      await t.test('two ranks that share the adapter train what one process does on the CPU', () => {
        const ranks = runScript(new URL('webgpu/ranks-child.js', import.meta.url), adapter.env, []);
        assert.equal(ranks.status, 0, ranks.stderr);
        const { arrays, worst } = JSON.parse(ranks.stdout) as { arrays: number; worst: number };
        assert.ok(arrays > 10, `${arrays}`);
        assert.ok(worst < 1e-4, `${worst}`);
      });
    }
    if (!full)
      t.diagnostic(
        'set POSTER_TEST_WEBGPU=full to run POSTER V2 of the published size and all of its training, POSTER V1 and ARM too',
      );
  } finally {
    adapter.release();
  }
});
