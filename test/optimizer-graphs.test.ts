import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lower } from '../src/passes/index.js';
import { CpuSession } from '../src/runtime/index.js';
import { differenceOf, type Execute, optimizerCases } from './webgpu/optimizer-cases.js';

const onCpu: Execute = async (program, inputs) => {
  const session = await CpuSession.create(lower(program, 'webgpu'), { threads: 1 });
  const outputs = await session.run(inputs);
  await session.dispose();
  return outputs;
};

for (const { name, run } of optimizerCases) {
  test(`${name} as a graph equals the loop`, async () => {
    for (const comparison of await run(onCpu)) {
      assert.ok(differenceOf(comparison) < 1e-6, `${comparison.what}: ${differenceOf(comparison)}`);
    }
  });
}
