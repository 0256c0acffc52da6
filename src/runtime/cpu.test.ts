import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply, constant, type DType, graph, input, parameter, type Value } from '../graph/index.js';
import { CpuSession, floats, type HostTensor, hostTensor } from './index.js';

const pair = { dtype: 'float32', shape: ['N', 2] } as const;
const x = input('x', 'float32', ['N', 2]);
const w = parameter('w', [2]);
const product = apply('Mul', [x, w], {}, [pair]).outputs[0] as Value;
const feed = (entries: Record<string, HostTensor>): Map<string, HostTensor> => new Map(Object.entries(entries));

test('arrays are read where they are: a later write is seen by the next run', async () => {
  const session = await CpuSession.create(graph({ y: product }), { threads: 1 });
  assert.deepEqual([session.inputs, session.outputs], [['x', 'w'], ['y']]);
  const weights = Float32Array.of(1, 10);
  const inputs = feed({
    x: hostTensor('float32', Float32Array.of(1, 2, 3, 4), [2, 2]),
    w: hostTensor('float32', weights, [2]),
    unknown: hostTensor('float32', weights, [2]),
  });
  const before = (await session.run(inputs)).get('y');
  weights[0] = -1;
  const after = (await session.run(inputs)).get('y');
  assert.deepEqual(floats(before), Float32Array.of(1, 20, 3, 40));
  assert.deepEqual(floats(after), Float32Array.of(-1, 20, -3, 40));
  assert.deepEqual(after?.dims, [2, 2]);
  // The batch may differ from run to run; views into larger arrays are fed like any other.
  const view = Float32Array.of(0, 7, 8, 0).subarray(1, 3);
  const third = await session.run(
    feed({ x: hostTensor('float32', view, [1, 2]), w: hostTensor('float32', weights, [2]) }),
  );
  assert.deepEqual(floats(third.get('y')), Float32Array.of(-7, 80));
  await session.dispose();
  await session.dispose();
  await assert.rejects(session.run(inputs), {
    name: 'UserError',
    kind: 'usage',
    message: /disposed of; load it again/,
  });
});

test('an input that is missing or of another shape is named', async () => {
  const session = await CpuSession.create(graph({ y: product }), { threads: 1 });
  const good = hostTensor('float32', new Float32Array(2), [1, 2]);
  await assert.rejects(session.run(feed({ x: good })), /the graph's input 'w' was not given/);
  const wide = hostTensor('float32', new Float32Array(3), [3]);
  await assert.rejects(session.run(feed({ x: good, w: wide })), /invalid dimensions for input: w/i);
  const whole = hostTensor('int32', new Int32Array(2), [2]);
  await assert.rejects(session.run(feed({ x: good, w: whole })), /data type/i);
  await session.dispose();
});

test('parameters can be constants of the model or lie in a file it points into', async () => {
  const file = Buffer.alloc(64);
  file.writeFloatLE(3, 24);
  file.writeFloatLE(5, 28);
  const inputs = feed({ x: hostTensor('float32', Float32Array.of(1, 1), [1, 2]) });
  const inside = await CpuSession.create(graph({ y: product }), { threads: 1, placement: () => Float32Array.of(3, 5) });
  const outside = await CpuSession.create(graph({ y: product }), {
    threads: 1,
    placement: () => ({ location: 'model.safetensors', offset: 24, length: 8 }),
    externalFiles: [{ path: 'model.safetensors', data: file }],
  });
  for (const session of [inside, outside]) {
    assert.deepEqual(session.inputs, ['x']);
    assert.deepEqual(floats((await session.run(inputs)).get('y')), Float32Array.of(3, 5));
    await session.dispose();
  }
});

test('every dtype goes in and comes out, also as an output that is an input or a constant', async () => {
  const host: { [D in DType]: HostTensor<D> } = {
    float32: hostTensor('float32', Float32Array.of(1.5, -2), [2]),
    float16: hostTensor('float16', Uint16Array.of(0x3c00, 0xc000), [2]),
    int8: hostTensor('int8', Int8Array.of(127, -128), [2]),
    uint8: hostTensor('uint8', Uint8Array.of(255, 1), [2]),
    int32: hostTensor('int32', Int32Array.of(1, -2), [2]),
    int64: hostTensor('int64', BigInt64Array.of(1n, -(2n ** 40n)), [2]),
    bool: hostTensor('bool', Uint8Array.of(1, 0), [2]),
  };
  const dtypes = Object.keys(host) as DType[];
  const outputs = new Map<string, Value>();
  for (const dtype of dtypes) {
    const leaf = input(dtype, dtype, [2]);
    outputs.set(dtype, leaf);
    outputs.set(`copy of ${dtype}`, leaf);
    outputs.set(`constant ${dtype}`, constant(dtype, host[dtype].data, [2]));
  }
  const session = await CpuSession.create(graph(outputs), { threads: 1 });
  const results = await session.run(new Map(Object.entries(host)));
  for (const dtype of dtypes) {
    for (const name of [dtype, `copy of ${dtype}`, `constant ${dtype}`]) {
      const result = results.get(name);
      assert.equal(result?.dtype, dtype);
      assert.deepEqual([...(result?.data ?? [])], [...host[dtype].data]);
    }
  }
  await session.dispose();
});

test('host tensors hold as many elements as their shape, and floats are asked for by dtype', () => {
  assert.throws(() => hostTensor('float32', new Float32Array(3), [2]), /3 elements do not fill \[2\]/);
  assert.throws(() => floats(hostTensor('int32', new Int32Array(1), [1])), /a float32 tensor was expected/);
  assert.throws(() => floats(undefined), /a float32 tensor was expected/);
});
