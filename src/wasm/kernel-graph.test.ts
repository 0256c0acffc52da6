import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryOf, itemAt } from '../common/item-at.js';
import { random } from '../common/random.js';
import { concrete, elements, type Graph, graph, input, leavesOf, parameter, type Tensor } from '../graph/index.js';
import { buildInference, modelNamed } from '../models/index.js';
import * as ops from '../ops/index.js';
import { lower } from '../passes/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';
import { createGraphKernels, KernelGraph, UnsupportedError } from './index.js';

type Weights = ReadonlyMap<string, Float32Array>;
interface Shaped {
  readonly shape: readonly number[];
}

/** Weights none of which is without effect, and that keep activations of the order of 1. */
function weightsFor(parameters: ReadonlyMap<string, Shaped>): Weights {
  return new Map(
    [...parameters].map(([name, { shape }]) => {
      const stream = random(1, 'kernel-graph', name);
      const fanIn = elements(shape.slice(1));
      const bound = shape.length > 1 ? 1.5 / Math.sqrt(fanIn) : 0.5;
      const middle = /running_var$|(bn|norm)\w*\.weight$|gamma/.test(name) ? 1 : 0;
      return [name, Float32Array.from({ length: elements(shape) }, () => middle + stream.uniform(-bound, bound))];
    }),
  );
}

const noise = (length: number): Float32Array => {
  const stream = random(2, 'kernel-graph');
  return Float32Array.from({ length }, () => stream.uniform(-1, 1));
};

/** What ONNX Runtime makes of a graph. */
async function expectedOf(
  program: Graph,
  weights: Weights,
  feeds: ReadonlyMap<string, { dims: number[]; data: Float32Array }>,
) {
  const externalFiles = [...weights].map(([path, data]) => ({ path, data: new Uint8Array(data.buffer) }));
  const session = await CpuSession.create(lower(program, 'cpu'), {
    threads: 1,
    externalFiles,
    placement: (name) => ({ location: name, offset: 0, length: entryOf(weights, name).byteLength }),
  });
  const outputs = await session.run(
    new Map([...feeds].map(([name, { dims, data }]) => [name, hostTensor('float32', data, dims)])),
  );
  await session.dispose();
  return new Map([...outputs].map(([name, tensor]) => [name, floats(tensor)]));
}

function kernelGraph(program: Graph, weights: Weights, relaxed?: boolean): KernelGraph {
  const kernels = createGraphKernels(relaxed);
  assert.ok(kernels !== undefined, 'WebAssembly has SIMD here');
  return new KernelGraph(program, (name) => entryOf(weights, name), kernels);
}

/** Within `tolerance` of the largest number. */
function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number, name: string): void {
  assert.equal(actual.length, expected.length, name);
  const largest = Math.max(1, ...expected.map(Math.abs));
  for (const [i, value] of expected.entries()) {
    const off = Math.abs(itemAt(actual, i) - value);
    assert.ok(off <= tolerance * largest, `${name}: ${itemAt(actual, i)} instead of ${value}`);
  }
}

const networks = ['poster-v2-nano', 'resnet8', 'ir50-nano', 'mobilefacenet-nano', 'poster-v1-nano'] as const;

for (const name of networks) {
  const { graph: program, parameters } = buildInference(modelNamed(name).network);
  const weights = weightsFor(parameters);
  const [channels, side] = [1, 48];
  const pixels = noise(3 * channels * side * side);

  test(`${name}: logits of kernels of our own are those of ONNX Runtime`, async () => {
    const dims = [3, channels, side, side];
    const expected = await expectedOf(program, weights, new Map([['pixel_values', { dims, data: pixels }]]));
    for (const relaxed of [false, true]) {
      const own = kernelGraph(program, weights, relaxed);
      // A batch, then its pictures one by one, then the batch again in the memory that is there.
      const whole = own.run(new Map([['pixel_values', pixels]]), 3);
      const size = pixels.length / 3;
      for (const output of ['logits', 'probabilities']) {
        const right = entryOf(expected, output);
        assertClose(entryOf(whole, output), right, 1e-4, `${output} of ${name}`);
        const row = right.length / 3;
        for (let i = 0; i < 3; i++) {
          const one = own.run(new Map([['pixel_values', pixels.subarray(i * size, (i + 1) * size)]]), 1);
          assertClose(entryOf(one, output), right.subarray(i * row, (i + 1) * row), 1e-4, `${output} ${i} of ${name}`);
        }
        assert.deepEqual(own.run(new Map([['pixel_values', pixels]]), 3), whole);
      }
      assert.ok(
        Math.max(...entryOf(expected, 'logits')) - Math.min(...entryOf(expected, 'logits')) > 0.05,
        'they differ',
      );
    }
  });
}

const weight = (name: string, ...shape: number[]): Tensor => parameter(name, shape);
const x = (...shape: (number | 'N')[]): Tensor => input('x', 'float32', shape);

/** Graphs in which what is special about an operation is seen. */
const cases: Readonly<Record<string, () => Tensor>> = {
  'a convolution of two channels of odd sides': () =>
    ops.conv2d(x('N', 2, 7, 5), weight('w', 6, 2, 3, 3), weight('b', 6), { padding: 1, stride: 2 }),
  'a convolution of seven by seven': () =>
    ops.conv2d(x('N', 3, 11, 11), weight('w', 8, 3, 7, 7), undefined, { padding: 3 }),
  'zeros on some sides alone': () =>
    ops.conv2d(x('N', 4, 6, 6), weight('w', 4, 4, 3, 3), undefined, {
      padding: { top: 0, left: 1, bottom: 2, right: 0 },
    }),
  'a convolution whose result is no multiple of four, read by another': () => {
    const y = ops.relu(ops.conv2d(x('N', 4, 5, 5), weight('w', 5, 4, 3, 3), weight('b', 5), { padding: 1 }));
    return ops.conv2d(y, weight('w2', 3, 5, 3, 3), undefined, { padding: 1 });
  },
  'a depthwise convolution and a map that is read twice': () => {
    const y = ops.prelu(ops.conv2d(x('N', 4, 6, 6), weight('w', 8, 4, 1, 1)), weight('s', 8, 1, 1), { fixed: true });
    return ops.add(ops.conv2d(y, weight('d', 8, 1, 3, 3), weight('b', 8), { padding: 1, groups: 8 }), y);
  },
  'two convolutions that are added, and one that is read as it is': () => {
    const map = x('N', 4, 6, 6);
    const y = ops.conv2d(map, weight('w', 8, 4, 1, 1), weight('b', 8));
    const z = ops.conv2d(map, weight('w2', 8, 4, 3, 3), undefined, { padding: 1 });
    return ops.mul(ops.relu(ops.add(y, z)), ops.sigmoid(ops.add(z, 1)));
  },
  'rows of a length that is no multiple of four': () =>
    ops.softmax(ops.linear(x('N', 3, 6), weight('w', 7, 6), weight('b', 7))),
  'tokens of a map in the order of its storage': () => {
    const y = ops.conv2d(x('N', 4, 6, 6), weight('w', 8, 4, 1, 1));
    return ops.linear(ops.reshape(y, ['N', 9, 32]), weight('w2', 4, 32));
  },
  'a mean over the map, of the channels alone, and over the tokens': () => {
    const y = ops.conv2d(x('N', 4, 6, 6), weight('w', 8, 4, 1, 1));
    const means = ops.add(ops.reduceMean(y, [2, 3]), ops.reshape(ops.reduceMean(y, [1, 2, 3], true), ['N', 1]));
    return ops.sub(means, ops.reduceMean(ops.reshape(y, ['N', 36, 8]), [1]));
  },
  'products of matrices that are transposed': () => {
    const y = ops.linear(x('N', 5, 8), weight('w', 8, 8));
    return ops.matmul(ops.transpose(ops.matmul(y, ops.transposeLast(y)), [0, 2, 1]), y);
  },
};

/** Each input of a graph by its name. */
const inputsFor = (value: Tensor, n: number) => {
  const dims = concrete(value.shape, n);
  return new Map([['x', { dims, data: noise(elements(dims)) }]]);
};

for (const [name, make] of Object.entries(cases)) {
  test(`as ONNX Runtime: ${name}`, async () => {
    const y = make();
    const program = graph({ y });
    const leaves = leavesOf([y]);
    const parameters = new Map(
      leaves.flatMap(({ source, shape }) =>
        source.kind === 'parameter' ? [[source.name, { shape: shape.map(Number) }]] : [],
      ),
    );
    const weights = weightsFor(parameters as ReadonlyMap<string, Shaped>);
    const feeds = inputsFor(leaves.find(({ source }) => source.kind === 'input') as Tensor, 2);
    const expected = await expectedOf(program, weights, feeds);
    const own = kernelGraph(program, weights);
    const actual = own.run(new Map([...feeds].map(([key, { data }]) => [key, data])), 2);
    assertClose(entryOf(actual, 'y'), entryOf(expected, 'y'), 1e-5, name);
  });
}

test('what the kernels do not compute is told when a graph is loaded', () => {
  const refused: Readonly<Record<string, () => Tensor>> = {
    MaxPool: () => ops.maxPool2d(x('N', 4, 6, 6), { kernel: 3, stride: 2, padding: 1 }),
    'a convolution in 2 groups': () => ops.conv2d(x('N', 4, 6, 6), weight('w', 4, 2, 3, 3), undefined, { groups: 2 }),
    'a mean over the batch': () => ops.reduceMean(x('N', 4), [0]),
    Exp: () => ops.exp(x('N', 4)),
  };
  for (const [message, make] of Object.entries(refused)) {
    const weights = weightsFor(new Map([['w', { shape: [4, 2, 3, 3] }]]));
    assert.throws(
      () => kernelGraph(graph({ y: make() }), weights),
      (error) => {
        assert.ok(error instanceof UnsupportedError, String(error));
        assert.equal(error.message, message);
        return true;
      },
    );
  }
});

test('as many pictures are run at once as 16 MB hold, up to four, and always one', () => {
  // Each number takes 4 bytes as an input and 4 as an output, both kept; tensors end with a few numbers to spare.
  const batches = [2 ** 18, 2 ** 19 - 64, 2 ** 19, 2 ** 20 - 64, 2 ** 20, 2 ** 22].map((length) => {
    const y = ops.relu(x('N', length));
    return kernelGraph(graph({ y }), new Map()).preferredBatch;
  });
  assert.deepEqual(batches, [4, 4, 3, 2, 1, 1]);
});

test('numbers that are not finite stay within the windows that read them, also where tiles make a convolution', async () => {
  // As many channels as tiles take, and a map of three by three of them.
  const [channels, side] = [16, 6];
  const y = ops.conv2d(x('N', channels, side, side), weight('w', channels, channels, 3, 3), weight('b', channels), {
    padding: 1,
  });
  const weights = weightsFor(
    new Map([
      ['w', { shape: [channels, channels, 3, 3] }],
      ['b', { shape: [channels] }],
    ]),
  );
  const plane = side * side;
  const finite = noise(channels * plane);
  const expected = entryOf(
    await expectedOf(graph({ y }), weights, new Map([['x', { dims: [1, channels, side, side], data: finite }]])),
    'y',
  );
  for (const relaxed of [false, true]) {
    const own = kernelGraph(graph({ y }), weights, relaxed);
    for (const special of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      // Each place within a tile, and in tiles at the border and in the middle.
      for (let pixel = 0; pixel < plane; pixel++) {
        const data = finite.slice();
        data[5 * plane + pixel] = special;
        const actual = entryOf(own.run(new Map([['x', data]]), 1), 'y');
        const reads = (at: number): boolean =>
          Math.abs((at % side) - (pixel % side)) <= 1 &&
          Math.abs(Math.floor(at / side) - Math.floor(pixel / side)) <= 1;
        const outside = (values: Float32Array): Float32Array => values.filter((_, i) => !reads(i % plane));
        assertClose(outside(actual), outside(expected), 1e-5, `beside ${special} at ${pixel}`);
        const inside = actual.filter((_, i) => reads(i % plane));
        assert.ok(
          inside.every((value) => !Number.isFinite(value)),
          `${special} at ${pixel} came out as a finite number`,
        );
      }
    }
  }
});

test('numbers that are not finite come out as such, and where they are read alone', async () => {
  const y = ops.prelu(ops.conv2d(x('N', 4, 4, 4), weight('w', 4, 4, 1, 1)), weight('s', 4, 1, 1), { fixed: true });
  const weights = weightsFor(
    new Map([
      ['w', { shape: [4, 4, 1, 1] }],
      ['s', { shape: [4, 1, 1] }],
    ]),
  );
  for (const special of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const data = noise(64);
    data[3] = special;
    const feeds = new Map([['x', { dims: [1, 4, 4, 4], data }]]);
    const expected = entryOf(await expectedOf(graph({ y }), weights, feeds), 'y');
    // The fourth pixel of the first channel, which each of the four outputs reads. ONNX Runtime, for which a PReLU is a difference, makes
    // some of these infinities no numbers.
    const positions = [3, 19, 35, 51];
    const right = positions.map((_, output) => {
      const sum = itemAt(entryOf(weights, 'w'), 4 * output) * special;
      return sum < 0 ? itemAt(entryOf(weights, 's'), output) * sum : sum;
    });
    assert.ok(right.every((value) => !Number.isFinite(value)));
    for (const relaxed of [false, true]) {
      const actual = entryOf(kernelGraph(graph({ y }), weights, relaxed).run(new Map([['x', data]]), 1), 'y');
      assert.deepEqual(
        [...actual].flatMap((value, i) => (Number.isFinite(value) ? [] : [i])),
        positions,
      );
      assert.deepEqual(
        positions.map((i) => itemAt(actual, i)),
        right,
      );
      const finite = (values: Float32Array): Float32Array => values.filter((_, i) => !positions.includes(i));
      assertClose(finite(actual), finite(expected), 1e-5, `beside ${special}`);
    }
  }
});
