import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradients } from '../src/autodiff/index.js';
import { graph, input, parameter, print } from '../src/graph/index.js';
import { conv2d, lower, mul, reduceSum } from '../src/ops/index.js';
import { CpuSession, floats, hostTensor } from '../src/runtime/index.js';

test('a first graph runs', async () => {
  const x = input('x', 'float32', ['N', 2, 5, 5]);
  const w = parameter('w', [3, 2, 3, 3]);
  const y = conv2d(x, w, undefined, { padding: 1, stride: 1 });
  const loss = reduceSum(mul(y, y), [0, 1, 2, 3]);
  const [dw, dx] = gradients(loss, [w, x]);
  const g = lower(graph({ loss, dw: dw as typeof w, dx: dx as typeof w }), 'cpu');
  console.log(print(g));
  const s = await CpuSession.create(g);
  const out = await s.run(
    new Map([
      ['x', hostTensor('float32', new Float32Array(100).fill(0.5), [2, 2, 5, 5])],
      ['w', hostTensor('float32', new Float32Array(54).fill(0.1), [3, 2, 3, 3])],
    ]),
  );
  console.log(floats(out.get('dw')).slice(0, 10), floats(out.get('loss')));
  assert.ok(true);
});
