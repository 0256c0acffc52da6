import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Graph, graph, input, nodesOf } from '../graph/index.js';
import { writeOnnx } from '../onnx/index.js';
import { add, gelu, reduceMean } from '../ops/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';
import { forOpset } from './index.js';

const x = input('x', 'float32', ['N']);
const program = graph({ y: add(gelu(x), gelu(add(x, 1))) });
const opsOf = (one: Graph): string[] => nodesOf(one.outputs.values()).map(({ op }) => op);

async function run(one: Graph, opset: number): Promise<number[]> {
  const session = await CpuSession.load(writeOnnx(one, { opset }));
  const inputs = new Map([['x', hostTensor('float32', Float32Array.of(-3, -0.5, 0, 1, 4), [5])]]);
  const results = await session.run(inputs);
  await session.dispose();
  return [...floats(results.get('y'))];
}

test('what an opset lacks is made of what it has, with the same result', async () => {
  const old = forOpset(program, 19);
  assert.throws(() => writeOnnx(program, { opset: 19 }), /Gelu as it is written here came with opset 20/);
  assert.deepEqual(
    opsOf(old).filter((op) => op === 'Gelu'),
    [],
  );
  const [before, after] = [await run(program, 20), await run(old, 19)];
  before.forEach((value, i) => {
    assert.ok(Math.abs(value - (after[i] ?? Number.NaN)) < 1e-6, `${value} became ${after[i]}`);
  });
  assert.ok(Math.abs((before[2] ?? Number.NaN) - 0.8413447) < 1e-6, 'gelu(0) + gelu(1)');
});

test('in half precision too', () => {
  const half = input('x', 'float16', ['N']);
  const old = forOpset(graph({ y: gelu(half) }), 19);
  assert.deepEqual([old.outputs.get('y')?.dtype, opsOf(old).includes('Gelu')], ['float16', false]);
});

test('from the opset that has everything on, nothing changes', () => {
  assert.equal(forOpset(program, 20).outputs.get('y'), program.outputs.get('y'));
});

test('what no older operations stand for is left, and refused when it is written', () => {
  const mean = graph({ y: reduceMean(x, [0]) });
  assert.equal(forOpset(mean, 17).outputs.get('y'), mean.outputs.get('y'));
  assert.throws(() => writeOnnx(mean, { opset: 17 }), /ReduceMean as it is written here came with opset 18/);
});
