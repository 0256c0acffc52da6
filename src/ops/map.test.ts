import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradients } from '../autodiff/index.js';
import { GraphError, graph, input, type Tensor } from '../graph/index.js';
import { lower } from '../passes/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';
import * as ops from './index.js';

/** What a function of one map [1, 1, h, w] gives. */
async function run(rows: readonly (readonly number[])[], make: (x: Tensor) => Tensor): Promise<number[][]> {
  const [h, w] = [rows.length, rows[0]?.length ?? 0];
  const y = make(input('x', 'float32', ['N', 1, h, w]));
  const session = await CpuSession.create(lower(graph({ y }), 'cpu'));
  const outputs = await session.run(
    new Map([['x', hostTensor('float32', Float32Array.from(rows.flat()), [1, 1, h, w])]]),
  );
  await session.dispose();
  const found = [...floats(outputs.get('y'))];
  const [, , , across] = y.shape;
  assert.equal(found.length, Number(y.shape[2]) * Number(across));
  return Array.from({ length: Number(y.shape[2]) }, (_, i) =>
    found.slice(i * Number(across), (i + 1) * Number(across)),
  );
}

const map = [
  [-5, -2, -3, -4],
  [-1, -6, -7, -8],
  [-9, -10, -2, -1],
];

test('max pooling takes the largest, and padding never wins', async () => {
  assert.deepEqual(await run(map, (x) => ops.maxPool2d(x, { kernel: 2 })), [[-1, -3]]);
  assert.deepEqual(await run(map, (x) => ops.maxPool2d(x, { kernel: 2, stride: 1 })), [
    [-1, -2, -3],
    [-1, -2, -1],
  ]);
  const padding = { top: 0, left: 0, bottom: 1, right: 0 };
  assert.deepEqual(await run(map, (x) => ops.maxPool2d(x, { kernel: 2, padding })), [
    [-1, -3],
    [-9, -1],
  ]);
});

test('enlarging has half-pixel centres and repeats the border', async () => {
  assert.deepEqual(await run([[0, 8]], (x) => ops.upsampleBilinear(x, 2)), [
    [0, 2, 6, 8],
    [0, 2, 6, 8],
  ]);
});

test('a convolution may be padded on some sides only, and is then not differentiated', async () => {
  const padding = { top: 0, left: 1, bottom: 1, right: 0 };
  const ones = ops.placement(
    1,
    4,
    [0, 1, 2, 3].map((i) => [0, i] as const),
  );
  const weight = ops.reshape(ones, [1, 1, 2, 2]);
  assert.deepEqual(await run([[1, 2, 3]], (x) => ops.conv2d(x, weight, undefined, { padding })), [[1, 3, 5]]);

  const x = input('x', 'float32', [1, 1, 3, 3]);
  const loss = ops.reduceSum(ops.conv2d(x, weight, undefined, { padding }), [0, 1, 2, 3]);
  assert.throws(() => gradients(loss, [x]), GraphError);
});
