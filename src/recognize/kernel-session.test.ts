import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { UserError } from '../common/errors.js';
import { entryOf, itemAt } from '../common/item-at.js';
import { random } from '../common/random.js';
import { elements } from '../graph/index.js';
import { buildInference, modelNamed } from '../models/index.js';
import { bundledCheckpoint } from '../node/host/bundled-weights.js';
import { withCheckpoint } from '../node/host/with-checkpoint.js';
import { floats, type HostTensor, hostTensor } from '../runtime/index.js';
import { bytesOf, type Checkpoint, type Tensor, toFloat32 } from '../safetensors/index.js';
import { createGraphKernels, KernelGraph } from '../wasm/index.js';
import { kernelSession } from './kernel-session.js';
import { type Network, openNetwork } from './network.js';

const file = await readFile(bundledCheckpoint());
let native: Network<ReturnType<typeof buildInference>>;
before(async () => {
  native = await withCheckpoint(file, (checkpoint) =>
    openNetwork(checkpoint, { threads: 1 }, (network) => buildInference(network)),
  );
});
after(() => native.dispose());

const side = 48;
const picturesOf = (n: number) => {
  const stream = random(3, 'kernel-session');
  const pixels = Float32Array.from({ length: n * side * side }, () => stream.uniform(-2, 2));
  return { pixels, inputs: new Map([['pixel_values', hostTensor('float32', pixels, [n, 1, side, side])]]) };
};

test('the bundled network gives what ONNX Runtime gives, for any number of crops', async () => {
  assert.equal(native.threads, undefined);
  for (const relaxed of [false, true]) {
    const own = await withCheckpoint(file, (checkpoint) => kernelSession(checkpoint, native.built, relaxed));
    assert.ok(own !== undefined);
    // More than are run at once, and not a multiple of that.
    for (const n of [1, 7, 3]) {
      const { pixels, inputs } = picturesOf(n);
      const expected = await native.run(pixels, n);
      const outputs: ReadonlyMap<string, HostTensor> = await own.run(inputs);
      for (const name of ['logits', 'probabilities']) {
        const actual = entryOf(outputs, name);
        assert.deepEqual(actual.dims, [n, 8]);
        for (const [i, value] of expected(name).entries()) {
          assert.ok(Math.abs(itemAt(floats(actual), i) - value) < 1e-4, `${name} ${i} of ${n}`);
        }
      }
    }
    await own.dispose();
    await assert.rejects(own.run(picturesOf(1).inputs), /it had been disposed of/);
  }
});

test('four crops of the bundled network are run at once', async () => {
  const tensors = await withCheckpoint(file, ({ read, tensors: all }) => read(new Set(all.keys())));
  const kernels = createGraphKernels();
  assert.ok(kernels !== undefined);
  const weights = (name: string) => toFloat32(entryOf(tensors, name), name);
  assert.equal(new KernelGraph(native.built.graph, weights, kernels).preferredBatch, 4);
});

test('a network on kernels says that it takes one thread, and refuses a number of threads that cannot be', async () => {
  const open = (threads: number) =>
    withCheckpoint(file, (checkpoint) =>
      openNetwork(checkpoint, { threads, kernels: true }, (network) => buildInference(network)),
    );
  const own = await open(2);
  assert.equal(own.threads, 1);
  const { pixels } = picturesOf(2);
  assert.equal((await own.run(pixels, 2))('logits').length, 16);
  await own.dispose();
  await assert.rejects(open(0), /A network cannot run on 0 threads/);
});

/** A checkpoint of a network whose weights are all of one value. */
function uniform(model: string, value: number): { checkpoint: Checkpoint; built: ReturnType<typeof buildInference> } {
  const built = buildInference(modelNamed(model).network);
  const tensors = new Map(
    [...built.parameters].map(([name, { shape }]): [string, Tensor] => {
      const data = bytesOf(new Float32Array(elements(shape)).fill(value));
      return [name, { dtype: 'F32', shape, data }];
    }),
  );
  const entries = [...tensors].map(
    ([name, { dtype, shape, data }]) => [name, { dtype, shape, byteLength: data.byteLength }] as const,
  );
  const checkpoint = { path: 'uniform', metadata: new Map(), tensors: new Map(entries), read: async () => tensors };
  return { checkpoint, built };
}

const unread = async (): Promise<never> => assert.fail('weights are read');

test('a network that the kernels do not know is left to ONNX Runtime, before its weights are read', async () => {
  const { checkpoint, built } = uniform('arm-nano', 0.01);
  assert.equal(await kernelSession({ ...checkpoint, read: unread }, built), undefined);
});

test('weights that are not finite are told, not run', async () => {
  const { checkpoint, built } = uniform('resnet8', Number.NaN);
  await assert.rejects(kernelSession(checkpoint, built), (error) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /holds values that are not finite numbers/);
    return true;
  });
});

/** What takes the place of a constructor, which arrow functions cannot. */
function throwing(error: Error): () => never {
  return function constructed() {
    throw error;
  };
}

test('a defect of the kernels is told, and ONNX Runtime does not hide it', async (t) => {
  const { checkpoint, built } = uniform('resnet8', 0.01);
  const defect = new TypeError('a defect');
  t.mock.method(WebAssembly, 'Module', throwing(defect));
  await assert.rejects(kernelSession(checkpoint, built), (error) => error === defect);
});

test('where WebAssembly has no SIMD or is forbidden, ONNX Runtime is left', async (t) => {
  const { checkpoint: whole, built } = uniform('resnet8', 0.01);
  const checkpoint = { ...whole, read: unread };
  const { mock } = t.mock.method(WebAssembly, 'validate', () => false);
  assert.equal(await kernelSession(checkpoint, built), undefined);
  mock.restore();
  const refusals = [
    new WebAssembly.CompileError('the policy says no'),
    new EvalError('WebKit says it so'),
    new RangeError('larger than 4 KB'),
  ];
  for (const refusal of refusals) {
    const { mock: forbidden } = t.mock.method(WebAssembly, 'Module', throwing(refusal));
    assert.equal(await kernelSession(checkpoint, built), undefined);
    forbidden.restore();
  }
  const there = Reflect.getOwnPropertyDescriptor(globalThis, 'WebAssembly');
  assert.ok(there !== undefined);
  Reflect.deleteProperty(globalThis, 'WebAssembly');
  t.after(() => Reflect.defineProperty(globalThis, 'WebAssembly', there));
  assert.equal(await kernelSession(checkpoint, built), undefined);
});
