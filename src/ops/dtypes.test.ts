import assert from 'node:assert/strict';
import { test } from 'node:test';
import { halfBits, halfValues } from '../common/half.js';
import { constant, elements, type FloatDType, GraphError, graph, input, print, type Value } from '../graph/index.js';
import { lower } from '../passes/index.js';
import { CpuSession, type HostTensor, hostTensor } from '../runtime/index.js';
import * as ops from './index.js';

async function run(y: Value, inputs: Readonly<Record<string, HostTensor>> = {}): Promise<HostTensor> {
  const session = await CpuSession.create(lower(graph({ y }), 'cpu'), { threads: 1 });
  const found = (await session.run(new Map(Object.entries(inputs)))).get('y');
  await session.dispose();
  assert.ok(found);
  assert.equal(found.dtype, y.dtype);
  return found;
}

const halves = (...values: number[]): Uint16Array => halfBits(Float32Array.from(values));
/** Elements of any dtype as numbers. */
const numbers = ({ dtype, data }: HostTensor): number[] =>
  dtype === 'float16' ? [...halfValues(data as Uint16Array)] : Array.from(data, Number);

test('arithmetic stays in the dtype of its operands', async () => {
  const x = input('x', 'float16', ['N', 2]);
  const half = { x: hostTensor('float16', halves(1, -2, 0.5, 2049), [2, 2]) };
  // 2049 is no half-precision number: it is 2048 already as an input.
  assert.deepEqual(numbers(await run(ops.add(ops.mul(x, 2), 1), half)), [3, -3, 2, 4096]);
  assert.deepEqual(numbers(await run(ops.relu(x), half)), [1, 0, 0.5, 2048]);
  assert.deepEqual(numbers(await run(ops.clampMax(x, 1, -1), half)), [1, -1, 0.5, 1]);
  assert.deepEqual(numbers(await run(ops.reduceSum(x, [1]), half)), [-1, 2048]);
  const n = input('n', 'int32', [2]);
  const whole = { n: hostTensor('int32', Int32Array.of(7, -7), [2]) };
  assert.deepEqual(numbers(await run(ops.sub(n, 10), whole)), [-3, -17]);
  assert.deepEqual(numbers(await run(ops.where(ops.greater(n, 0), n, 0), whole)), [7, 0]);
});

/** Layers that are lowered, of any dtype of floating point. */
function layers<D extends FloatDType>(x: Value<D>, kernel: Value<D>, slope: Value<D>, weight: Value<D>): Value<D> {
  const map = ops.prelu(ops.conv2d(x, kernel, undefined, { padding: 1 }), slope, { fixed: true });
  const small = ops.subsample(map, 2, 2);
  return ops.softmax(ops.linear(ops.reshape(small, ['N', 4]), weight));
}

test('a network in half precision gives what the same in single precision gives', async () => {
  const [x, kernel, slope, weight] = [
    [1, 1, 4, 4],
    [1, 1, 3, 3],
    [1, 1, 1],
    [3, 4],
  ] as const;
  const values = [x, kernel, slope, weight].map((shape, i) => {
    return Float32Array.from({ length: elements(shape) }, (_, j) => Math.sin(7 * i + j));
  });
  const at = (i: number): Float32Array => values[i] ?? new Float32Array(0);
  const single = layers(
    input('x', 'float32', ['N', 1, 4, 4]),
    constant('float32', at(1), kernel),
    constant('float32', at(2), slope),
    constant('float32', at(3), weight),
  );
  const half = layers(
    input('x', 'float16', ['N', 1, 4, 4]),
    constant('float16', halfBits(at(1)), kernel),
    constant('float16', halfBits(at(2)), slope),
    constant('float16', halfBits(at(3)), weight),
  );
  const expected = numbers(await run(single, { x: hostTensor('float32', at(0), x) }));
  const found = numbers(await run(half, { x: hostTensor('float16', halfBits(at(0)), x) }));
  assert.equal(found.length, 3);
  found.forEach((value, i) => {
    assert.ok(Math.abs(value - (expected[i] ?? Number.NaN)) < 5e-3, `${found} against ${expected}`);
  });
  assert.notDeepEqual(found, expected);
});

test('eight bits are moved, quantised and read back', async () => {
  const bytes = { x: hostTensor('uint8', Uint8Array.of(0, 1, 254, 255, 7, 9), [2, 3]) };
  const x = input('x', 'uint8', ['N', 3]);
  const turned = ops.transpose(ops.pad(ops.slice(x, 1, 0, 2), [0, 1], []), [1, 0]);
  assert.deepEqual(numbers(await run(turned, bytes)), [0, 0, 0, 255, 1, 7]);
  assert.deepEqual(numbers(await run(ops.cast(x, 'float32'), bytes)), [0, 1, 254, 255, 7, 9]);
  assert.deepEqual(numbers(await run(ops.concat([x, x], 1), bytes)).length, 12);

  const scale = constant('float32', Float32Array.of(0.5), []);
  const zeroPoint = constant('int8', Int8Array.of(-3), []);
  const floats = { f: hostTensor('float32', Float32Array.of(0.25, 0.75, -1, 1000, -1000), [5]) };
  const f = input('f', 'float32', [5]);
  const q = ops.quantize(f, { scale, zeroPoint });
  // Ties to even, and cut at both ends.
  assert.deepEqual(numbers(await run(q, floats)), [-3, -1, -5, 127, -128]);
  assert.deepEqual(numbers(await run(ops.dequantize(q, { scale, zeroPoint }), floats)), [0, 1, -1, 65, -62.5]);
});

test('weights of eight bits have a scale for each output', async () => {
  const weight = constant('int8', Int8Array.of(1, -2, 100, 50), [2, 2]);
  const by = {
    scale: constant('float32', Float32Array.of(0.5, 0.01), [2]),
    zeroPoint: constant('int8', Int8Array.of(0, 0), [2]),
    axis: 0,
  };
  const y = ops.linear(input('x', 'float32', ['N', 2]), ops.dequantize(weight, by));
  const found = numbers(await run(y, { x: hostTensor('float32', Float32Array.of(2, 4), [1, 2]) }));
  assert.deepEqual(found.map(Math.fround), [-3, 4].map(Math.fround));
});

test('dtypes that do not fit are refused, by the compiler and when the graph is built', () => {
  const [f, h, n, b] = [
    input('f', 'float32', [2]),
    input('h', 'float16', [2]),
    input('n', 'int32', [2]),
    input('b', 'uint8', [2]),
  ];
  const loose = (value: Value): Value<'float32'> => value as Value<'float32'>;
  // @ts-expect-error: two dtypes
  assert.throws(() => ops.add(f, h), /^GraphError: Add\(float32\[2\], float16\[2\]\): 'a' and 'b' must have one dtype/);
  assert.throws(() => ops.add(loose(b), loose(b)), /'a' must be float32 or float16 or int32 or int64, not uint8/);
  assert.throws(() => ops.exp(loose(n)), /^GraphError: Exp\(int32\[2\]\): 'x' must be float32 or float16, not int32/);
  assert.throws(() => ops.concat([f, loose(n)], 0), GraphError);
  assert.throws(() => ops.softmax(loose(input('i', 'int64', [2, 2]))), GraphError);
  const scale = constant('float32', Float32Array.of(1), []);
  const wrong = { scale, zeroPoint: constant('int8', Int8Array.of(0, 0), [2]) };
  assert.throws(() => ops.quantize(f, wrong), /scale and zero point must be scalars, or vectors of the given axis/);
  assert.throws(() => ops.quantize(f, { ...wrong, axis: 1 }), /axis 1 does not exist/);
  assert.equal(ops.cast(f, 'float32'), f);
});

test('a constant of half precision prints as the number that it is', () => {
  assert.match(print(graph({ y: ops.add(input('x', 'float16', []), 0.5) })), /Add\(x, 0\.5\) : float16\[\]/);
});
