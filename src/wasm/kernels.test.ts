import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { UserError } from '../common/errors.js';
import { graph, input } from '../graph/index.js';
import { buildInference, modelNamed } from '../models/index.js';
import { readDetectorWeights } from '../node/host/detector-weights.js';
import { readOnnx } from '../onnx/read.js';
import * as ops from '../ops/index.js';
import { createGraphKernels, createKernels, KernelGraph, KernelNetwork } from './index.js';

/** From now on memory grows no more. */
function withoutMemory(t: TestContext): void {
  t.mock.method(WebAssembly.Memory.prototype, 'grow', () => {
    throw new RangeError('out of memory');
  });
}

const says =
  (sentence: RegExp) =>
  (error: unknown): true => {
    assert.ok(error instanceof UserError, String(error));
    assert.equal(error.kind, 'resources');
    assert.match(error.message, sentence);
    return true;
  };
const noRoomForDetector = /^There is no memory of \d+ MB for the face detector; close what else needs memory\.$/;
const noRoomForPicture = /^There is no memory of \d+ MB to look for faces in; search the picture at smaller scales\.$/;
const noRoomForNetwork = /^There is no memory of \d+ MB to run the network in; close what else needs memory\.$/;
const model = readOnnx(await readDetectorWeights());

test('where memory is short for the weights of the detector, what else needs memory is to be closed', (t) => {
  const kernels = createKernels();
  assert.ok(kernels !== undefined);
  withoutMemory(t);
  assert.throws(() => new KernelNetwork(model, kernels), says(noRoomForDetector));
});

test('where memory is short for a picture, it is to be searched at smaller scales', (t) => {
  const kernels = createKernels();
  assert.ok(kernels !== undefined);
  const network = new KernelNetwork(model, kernels);
  withoutMemory(t);
  assert.throws(() => network.run(new Float32Array(3 * 2048 * 2048), 2048, 2048), says(noRoomForPicture));
});

test('where memory is short for an expression network or for its pictures, what else needs memory is to be closed', (t) => {
  const { graph: program, parameters } = buildInference(modelNamed('resnet8').network);
  const weights = (name: string): Float32Array => {
    const found = parameters.get(name);
    assert.ok(found !== undefined);
    return new Float32Array(found.shape.reduce((a, b) => a * b, 1));
  };
  const [kernels, others] = [createGraphKernels(), createGraphKernels()];
  assert.ok(kernels !== undefined && others !== undefined);
  const small = new KernelGraph(graph({ y: ops.relu(input('x', 'float32', ['N', 4])) }), weights, others);
  withoutMemory(t);
  assert.throws(() => new KernelGraph(program, weights, kernels), says(noRoomForNetwork));
  const n = 2 ** 20;
  assert.throws(() => small.run(new Map([['x', new Float32Array(4 * n)]]), n), says(noRoomForNetwork));
});

test('more than WebAssembly can address is told as what memory lacks', () => {
  const kernels = createGraphKernels();
  assert.ok(kernels !== undefined);
  const sentence = /^There is no memory of 4097 MB to run the network in; close what else needs memory\.$/;
  assert.throws(() => kernels.memory.reserve(2 ** 32 + 1), says(sentence));
});

test('where there is no memory at all, that is told', (t) => {
  t.mock.method(WebAssembly, 'Memory', function refused() {
    throw new RangeError('out of memory');
  });
  assert.throws(() => createKernels(), says(noRoomForDetector));
  assert.throws(() => createGraphKernels(), says(noRoomForNetwork));
});
