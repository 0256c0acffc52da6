import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ort from 'onnxruntime-node';
import { random } from '../common/random.js';
import { buildInference, posterV2Network } from '../models/index.js';
import { initialize } from '../nn/index.js';
import { opsets, writeOnnx } from '../onnx/index.js';
import { lower } from '../passes/index.js';
import { tinyConfig } from '../recognize/helpers.test.js';
import { type OnnxOptions, toOnnx } from './onnx.js';

const parameters = new Map(
  [...buildInference(posterV2Network(tinyConfig)).parameters].map(([name, spec]) => {
    const data = initialize(spec, random(5, 'init', name)).map((value) => 2 * value);
    return [name, { shape: spec.shape, data }] as const;
  }),
);
const source = {
  network: posterV2Network(tinyConfig),
  parameters,
  labels: { name: 'three', labels: ['happy', 'neutral', 'sad'] },
  preprocessing: { imageSize: 16, channels: 1, mean: [0.5], std: [0.25] },
} as const;
const pixels = Float32Array.from({ length: 2 * 256 }, (_, i) => random(2, i).normal());

async function logitsOf(model: Uint8Array, weights?: typeof parameters): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(model);
  const feeds: Record<string, ort.Tensor> = { pixel_values: new ort.Tensor('float32', pixels, [2, 1, 16, 16]) };
  for (const [name, { data, shape }] of weights ?? []) feeds[name] = new ort.Tensor('float32', data, shape);
  const { logits } = await session.run(feeds);
  await session.release();
  assert.ok(logits?.data instanceof Float32Array);
  assert.deepEqual(logits.dims, [2, 3]);
  return logits.data;
}

const whole = (options?: OnnxOptions): Uint8Array => Buffer.concat(toOnnx(source, options));

/** Of a graph that is fed its weights, as training runs it. */
const expected = await logitsOf(writeOnnx(lower(buildInference(posterV2Network(tinyConfig)).graph, 'cpu')), parameters);

const distance = (values: Float32Array): number =>
  Math.max(...expected.map((value, i) => Math.abs(value - (values[i] ?? Number.NaN))));

test('a model gives the same logits in every opset', async () => {
  assert.deepEqual(opsets, [17, 18, 19, 20, 21, 22, 23]);
  for (const opset of opsets) {
    assert.ok(distance(await logitsOf(whole({ opset }))) < 1e-5, `opset ${opset}`);
  }
});

test('a PReLU becomes operations of many cores where its slopes are at most 1, and gives the same', async () => {
  assert.ok(!Buffer.from(whole()).includes('PRelu'));
  const name = 'ir_back.input_layer.2.weight';
  const slope = parameters.get(name);
  assert.ok(slope !== undefined);
  const steep = new Map([...parameters, [name, { ...slope, data: slope.data.map((_, i) => (i === 1 ? 1.5 : -0.5)) }]]);
  const model = Buffer.concat(toOnnx({ ...source, parameters: steep }));
  assert.ok(model.includes('PRelu'));
  const wanted = await logitsOf(writeOnnx(lower(buildInference(posterV2Network(tinyConfig)).graph, 'cpu')), steep);
  const found = await logitsOf(model);
  assert.ok(Math.max(...wanted.map((value, i) => Math.abs(value - (found[i] ?? Number.NaN)))) < 1e-5);
  assert.ok(distance(found) > 1e-3);
});

test('half precision halves the file and moves the logits a little', async () => {
  const half = whole({ precision: 'F16' });
  const matrices = [...parameters.values()].filter(({ shape }) => shape.length > 1);
  const saved = 2 * matrices.reduce((sum, { data }) => sum + data.length, 0);
  const smaller = whole().byteLength - half.byteLength;
  // Each cast is a node of its own.
  assert.ok(smaller > saved - 100 * matrices.length && smaller < saved, `${smaller} of ${saved}`);
  const moved = distance(await logitsOf(half));
  assert.ok(moved > 0 && moved < 1e-2, `${moved}`);
});
