import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Graph, graph, input, parameter } from '../graph/index.js';
import { prelu, reshape } from '../ops/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';
import { lower, slopesOf, withSlopesAtMostOne } from './index.js';

const x = input('x', 'float32', ['N', 3, 1, 2]);
const slope = parameter('act.weight', [3]);
const program = graph({ y: prelu(x, reshape(slope, [3, 1, 1]), { fixed: true }) });

async function run(one: Graph, slopes: readonly number[]): Promise<number[]> {
  const session = await CpuSession.create(lower(one, 'cpu'), { placement: () => Float32Array.from(slopes) });
  const values = Float32Array.of(-2, 3, -1, 0.5, 4, -8);
  const results = await session.run(new Map([['x', hostTensor('float32', values, [1, 3, 1, 2])]]));
  await session.dispose();
  return [...floats(results.get('y'))];
}

test('slopes are found, and PReLU is the same in every form', async () => {
  assert.deepEqual(slopesOf(program), ['act.weight']);
  const gentle = withSlopesAtMostOne(program, new Set(['act.weight']));
  assert.deepEqual(await run(gentle, [0.25, -0.5, 1]), [-0.5, 3, 0.5, 0.5, 4, -8]);
  assert.deepEqual(await run(program, [0.25, -0.5, 1]), [-0.5, 3, 0.5, 0.5, 4, -8]);
  // Above 1 only the general form holds.
  assert.deepEqual(await run(program, [0.25, 2, 1]), [-0.5, 3, -2, 0.5, 4, -8]);
  assert.notDeepEqual(await run(gentle, [0.25, 2, 1]), [-0.5, 3, -2, 0.5, 4, -8]);
});

test('slopes that are not named keep the general form', () => {
  assert.ok(withSlopesAtMostOne(program, new Set()).outputs.get('y') === program.outputs.get('y'));
});
