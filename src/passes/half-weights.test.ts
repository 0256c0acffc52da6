import assert from 'node:assert/strict';
import { test } from 'node:test';
import { halfBits } from '../common/half.js';
import { graph, input, parameter, parametersOf } from '../graph/index.js';
import { writeOnnx } from '../onnx/index.js';
import { add, mul } from '../ops/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';
import { withHalfWeights } from './index.js';

const [w, b] = [parameter('w', [2]), parameter('b', [2])];
const program = graph({ y: add(mul(input('x', 'float32', ['N', 2]), w), b) });
const values = new Map([
  ['w', Float32Array.of(1 + 2 ** -12, -3)],
  ['b', Float32Array.of(2 ** -20, 1)],
]);

test('weights stored in half precision are rounded, what is computed is not', async () => {
  const half = withHalfWeights(program, (name) => name === 'w');
  assert.deepEqual(
    [...parametersOf(half.outputs.values())].map(([name, { dtype }]) => [name, dtype]),
    [
      ['w', 'float16'],
      ['b', 'float32'],
    ],
  );
  const run = async (one: typeof program, isHalf: boolean): Promise<Float32Array> => {
    const placement = (name: string): Float32Array | Uint16Array => {
      const data = values.get(name) ?? new Float32Array(0);
      return isHalf && name === 'w' ? halfBits(data) : data;
    };
    const session = await CpuSession.create(one, { placement });
    const results = await session.run(new Map([['x', hostTensor('float32', Float32Array.of(1, 1), [1, 2])]]));
    await session.dispose();
    return floats(results.get('y'));
  };
  assert.deepEqual(await run(program, false), Float32Array.of(1 + 2 ** -12 + 2 ** -20, -2));
  assert.deepEqual(await run(half, true), Float32Array.of(1 + 2 ** -20, -2));
});

test('an array of another dtype than the parameter is refused', () => {
  const half = withHalfWeights(program, () => true);
  assert.throws(
    () => writeOnnx(half, { placement: () => new Int8Array(4) }),
    /is float16, which is not held in this kind/,
  );
  assert.throws(
    () => writeOnnx(half, { placement: () => new Float32Array(2) }),
    /'w' holds 8 bytes where 4 are needed/,
  );
});
