import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradients } from '../src/autodiff/index.js';
import { graph, input, parameter, type Tensor } from '../src/graph/index.js';
import { linear, reduceMean, softmaxCrossEntropy } from '../src/ops/index.js';
import { lower } from '../src/passes/index.js';
import { CpuSession, floats, hostTensor } from '../src/runtime/index.js';

test('a linear classifier learns', async () => {
  const x = input('x', 'float32', ['N', 3]);
  const target = input('target', 'float32', ['N', 2]);
  const weight = parameter('weight', [2, 3]);
  const loss = reduceMean(softmaxCrossEntropy(linear(x, weight), target), [0]);
  const [dWeight] = gradients(loss, [weight]) as [Tensor];
  const session = await CpuSession.create(lower(graph({ loss, dWeight }), 'cpu'));

  const weights = new Float32Array(6);
  const inputs = new Map([
    ['x', hostTensor('float32', Float32Array.of(1, 0, 1, -1, 2, 1), [2, 3])],
    ['target', hostTensor('float32', Float32Array.of(1, 0, 0, 1), [2, 2])],
    ['weight', hostTensor('float32', weights, [2, 3])],
  ]);
  const losses: number[] = [];
  for (let step = 0; step < 20; step++) {
    const results = await session.run(inputs);
    losses.push(floats(results.get('loss'))[0] ?? Number.NaN);
    floats(results.get('dWeight')).forEach((slope, i) => {
      weights[i] = (weights[i] ?? 0) - slope;
    });
  }
  await session.dispose();
  assert.ok(Math.abs((losses[0] ?? 0) - Math.LN2) < 1e-6);
  assert.ok((losses.at(-1) ?? 1) < 0.1);
});
