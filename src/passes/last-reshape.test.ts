import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Graph, graph, input } from '../graph/index.js';
import { mul, reshape } from '../ops/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';
import { withoutLastReshape } from './index.js';

const x = input('x', 'float32', [2, 2]);
const y = reshape(mul(x, x), [4]);
const program = graph({ y, z: reshape(y, [1, 4]), same: mul(x, 2) });

async function run(one: Graph): Promise<Map<string, readonly [dims: readonly number[], values: readonly number[]]>> {
  const session = await CpuSession.create(one);
  const results = await session.run(new Map([['x', hostTensor('float32', Float32Array.of(1, 2, 3, 4), [2, 2])]]));
  await session.dispose();
  return new Map([...results].map(([name, tensor]) => [name, [tensor.dims, [...floats(tensor)]]]));
}

test('outputs that are meant lose their last reshape, and keep their elements', async () => {
  const before = await run(program);
  const after = await run(withoutLastReshape(program, (name) => name !== 'z'));
  assert.deepEqual(before.get('y'), [[4], [1, 4, 9, 16]]);
  assert.deepEqual(after.get('y'), [
    [2, 2],
    [1, 4, 9, 16],
  ]);
  for (const name of ['z', 'same']) assert.deepEqual(after.get(name), before.get(name));
});
