import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { apply, graph, input } from '../../src/graph/index.js';
import { conv2d, mul, reduceSum, sub } from '../../src/ops/index.js';
import { lower } from '../../src/passes/index.js';
import { disposeAll, download, floats, GpuSession, hostTensor, upload } from '../../src/runtime/index.js';

/** What sessions and tensors on the device promise. */
export const runtimeCases: Readonly<Record<string, () => Promise<void>>> = {
  'tensors go to the device and come back': async () => {
    for (const tensor of [
      hostTensor('float32', Float32Array.of(1, -2, 3, 4, 5, 6), [1, 2, 3]),
      hostTensor('float32', Float32Array.of(7), []),
      hostTensor('int32', Int32Array.of(1, -2, 3, 4), [2, 2]),
    ]) {
      const there = await upload(tensor);
      assert.deepEqual([there.dtype, there.dims], [tensor.dtype, tensor.dims]);
      assert.deepEqual(await download(there), tensor);
      there.dispose();
    }
  },
  'a tensor that was disposed of is refused': async () => {
    const there = await upload(hostTensor('float32', new Float32Array(4), [4]));
    there.dispose();
    there.dispose();
    assert.ok(there.disposed);
    await assert.rejects(download(there), /disposed/);
  },
  'tensors outlive the session that made them': async () => {
    const x = input('x', 'float32', ['N']);
    const session = await GpuSession.create(graph({ y: mul(x, 2) }), { keepOnDevice: () => true });
    const { device, host } = await session.run(new Map([['x', hostTensor('float32', Float32Array.of(1, 2), [2])]]));
    assert.equal(host.size, 0);
    await session.dispose();
    await assert.rejects(session.run(new Map()), /disposed/);
    const y = device.get('y');
    assert.ok(y);
    assert.deepEqual([...floats(await download(y))], [2, 4]);
    disposeAll(device.values());
  },
  'an operation that would run on the CPU is an error that names it': async () => {
    const x = input('x', 'int64', ['N', 4]);
    const [sum] = apply('Add', [x, x], {}, [{ dtype: 'int64', shape: x.shape }]).outputs;
    assert.ok(sum);
    await assert.rejects(
      GpuSession.create(graph({ y: sum })),
      /no kernel there for Add\(int64\[N, 4\], int64\[N, 4\]\)/,
    );
  },
  'a convolution that ONNX Runtime would get wrong is refused': async () => {
    const y = conv2d(input('x', 'float32', ['N', 6, 4, 4]), input('w', 'float32', [8, 6, 3, 3]));
    await (await GpuSession.create(graph({ y }))).dispose();
    await assert.rejects(GpuSession.create(graph({ y }), { layout: 'NHWC' }), /wrongly/);
  },
  'memory stays flat while a state is replaced step by step': async () => {
    const size = 1 << 20;
    const [w, g] = [input('w', 'float32', [size]), input('g', 'float32', [size])];
    const program = graph({ next: sub(w, mul(g, 0.5)), sum: reduceSum(w, [0]) });
    const session = await GpuSession.create(lower(program, 'webgpu'), { keepOnDevice: (name) => name === 'next' });
    const slope = hostTensor('float32', new Float32Array(size).fill(1), [size]);
    let state = await upload(hostTensor('float32', new Float32Array(size), [size]));
    const steps = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const { device } = await session.run(
          new Map<string, typeof state | typeof slope>([
            ['w', state],
            ['g', slope],
          ]),
        );
        state.dispose();
        state = device.get('next') ?? state;
      }
    };
    await steps(20);
    const before = residentMegabytes();
    await steps(60);
    // 60 states are 240 MB. (On a real GPU they would be elsewhere.)
    assert.ok(residentMegabytes() - before < 100, `${before} MB became ${residentMegabytes()} MB`);
    assert.equal(floats(await download(state))[size - 1], -40);
    state.dispose();
    await session.dispose();
  },
};

function residentMegabytes(): number {
  if (process.platform !== 'linux') return process.memoryUsage.rss() / 2 ** 20;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}
