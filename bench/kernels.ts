/*
 * `npm run bench:kernels`: what single ONNX Runtime kernels take on the CPU for a map of 8 x 64 x 112 x 112, the figures
 * that lowerings are chosen by (docs/decisions/0002), and convolutions whose weights are inputs, as in training. Of 15 runs
 * each, the time that three quarters of them exceed.
 */
import { gradients } from '../src/autodiff/index.js';
import { random } from '../src/common/random.js';
import { constant, elements, graph, input, type Tensor } from '../src/graph/index.js';
import * as ops from '../src/ops/index.js';
import { applyOne } from '../src/ops/operation.js';
import { lower } from '../src/passes/index.js';
import { CpuSession, type HostTensor, hostTensor } from '../src/runtime/index.js';
import { targetOf } from '../src/train/target.js';

const shape = [8, 64, 112, 112] as const;
const [n, c, h, w] = shape;
const x = input('x', 'float32', shape);
const y = input('y', 'float32', shape);
const channel = input('channel', 'float32', [c, 1, 1]);
const vector = input('vector', 'float32', [c]);
const shiftPads = constant('int64', BigInt64Array.from([0n, 0n, 0n, 1n, 0n, 0n, 0n, -1n]), [8]);

const kernels: Readonly<Record<string, () => Tensor>> = {
  'Mul by channel': () => ops.mul(x, channel),
  'Add of two maps': () => ops.add(x, y),
  Relu: () => ops.relu(x),
  'Clip (min(x, 0))': () => ops.clampMax(x, 0),
  'HardSigmoid (step)': () => ops.step(x),
  'Greater and Where': () => ops.where(ops.greater(x, 0), x, y),
  PRelu: () => ops.prelu(x, channel),
  'BatchNormalization, inference': () => ops.batchNorm(x, vector, vector, vector, vector),
  'BatchNormalization, training': () => ops.batchNormTraining(x, vector, vector).y,
  'dot product by channel, MatMul': () =>
    ops.matmul(ops.reshape(x, [n, c, 1, h * w]), ops.reshape(y, [n, c, h * w, 1])),
  'dot product by channel, Mul and ReduceSum': () => ops.reduceSum(ops.reshape(ops.mul(x, y), [n, c, h * w]), [2]),
  'Pad (shift by a column)': () => applyOne('Pad', [x, shiftPads], shape, { pads: [0, 0, 0, 1, 0, 0, 0, -1] }),
  'every second column, Slice': () => ops.slice(x, 3, 0, w, 2),
  'every second pixel, MaxPool': () => ops.subsample(x, 2, 2),
};

// Signs at random, as in a network: kernels that branch on them are slower than on a pattern.
const generator = random(0, 'kernels');
const values = Float32Array.from({ length: n * c * h * w }, () => generator.next() - 0.5);
const feeds = new Map([
  ['x', hostTensor('float32', values, shape)],
  ['y', hostTensor('float32', values.toReversed(), shape)],
  ['channel', hostTensor('float32', new Float32Array(c).fill(0.3), [c, 1, 1])],
  ['vector', hostTensor('float32', new Float32Array(c).fill(0.3), [c])],
]);

for (const [name, make] of Object.entries(kernels)) {
  // PRelu itself is what is measured, so the graph that holds it is not lowered.
  await measure(name, make(), feeds, name === 'PRelu' ? undefined : { device: 'cpu' });
}

/** Convolutions by side of the map, channels and stride: forward, and the gradient of their input. */
const convolutions = [
  { side: 112, channels: 64, stride: 1 },
  { side: 56, channels: 64, stride: 1 },
  { side: 28, channels: 128, stride: 1 },
  { side: 14, channels: 256, stride: 1 },
  { side: 28, channels: 256, stride: 2 },
] as const;
const blocked = await targetOf('cpu');
for (const { side, channels, stride } of convolutions) {
  const [map, weight] = [
    input('map', 'float32', [n, channels, side, side]),
    input('weight', 'float32', [channels, channels, 3, 3]),
  ];
  const forward = ops.conv2d(map, weight, undefined, { padding: 1, stride });
  const back = gradients(ops.reduceSum(ops.mul(forward, forward), [0, 1, 2, 3]), [map])[0] ?? map;
  const noise = new Map(
    [map, weight].map((value, i) => {
      const size = value.shape.map(Number);
      const data = Float32Array.from({ length: elements(size) }, () => generator.next() - 0.5);
      return [i === 0 ? 'map' : 'weight', hostTensor('float32', data, size)] as const;
    }),
  );
  for (const target of blocked.channelBlock === undefined ? [blocked] : [{ device: 'cpu' } as const, blocked]) {
    const form = target.channelBlock === undefined ? 'plain' : `blocks of ${target.channelBlock}`;
    const what = `3x3, ${channels} channels, ${side}x${side}, stride ${stride}, ${form}`;
    await measure(`convolution ${what}`, forward, noise, target);
    await measure(`the same and its input's gradient ${what}`, back, noise, target);
  }
}

/** Runs a value's graph, lowered for a target, and prints how long it takes. */
async function measure(
  name: string,
  result: Tensor,
  inputs: ReadonlyMap<string, HostTensor>,
  target: ops.Target | undefined,
): Promise<void> {
  // A single element comes out, so that copying the result is not measured.
  const out = ops.slice(ops.reshape(result, [elements(result.shape)]), 0, 0, 1);
  const program = graph({ out });
  const session = await CpuSession.create(target === undefined ? program : lower(program, target), { threads: 2 });
  const times: number[] = [];
  for (let i = 0; i < 15; i++) {
    const start = performance.now();
    await session.run(inputs);
    times.push(performance.now() - start);
  }
  await session.dispose();
  console.log(`${(times.sort((a, b) => a - b)[3] ?? 0).toFixed(2).padStart(7)} ms  ${name}`);
}
