import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as ort from 'onnxruntime-node';
import { type Graph, graph } from '../src/graph/index.js';
import {
  buildForward,
  buildInference,
  type PosterV2Config,
  posterV2Config,
  posterV2NanoConfig,
  posterV2Network,
} from '../src/models/index.js';
import { writeOnnx } from '../src/onnx/index.js';
import { lower } from '../src/passes/index.js';
import { fill, images } from './support/fill.js';
import { readFixture, type Summary, summarize } from './support/fixtures.js';

interface Golden {
  readonly num_classes: number;
  readonly logits: readonly (readonly number[])[];
  readonly taps: Readonly<Record<string, Summary & { readonly shape: readonly number[] }>>;
}

async function execute(
  program: Graph,
  config: PosterV2Config,
  batch: number,
): Promise<ort.InferenceSession.ReturnType> {
  const { parameters } = buildInference(posterV2Network(config));
  const session = await ort.InferenceSession.create(writeOnnx(lower(program, 'cpu')));
  const { imageSize, inputChannels } = config;
  const shape = [batch, inputChannels, imageSize, imageSize];
  const feeds: Record<string, ort.Tensor> = {
    pixel_values: new ort.Tensor('float32', images(batch, imageSize, inputChannels), shape),
  };
  for (const { name, shape } of parameters.values()) feeds[name] = new ort.Tensor('float32', fill(name, shape), shape);
  const results = await session.run(feeds);
  await session.release();
  return results;
}

/** Largest difference, relative to the size of the values where that is above 1. */
function distance(actual: readonly number[], expected: readonly number[]): number {
  assert.equal(actual.length, expected.length);
  return Math.max(
    ...expected.map((value, i) => Math.abs(value - (actual[i] ?? Number.NaN)) / Math.max(1, Math.abs(value))),
  );
}

describe('POSTER V2 against PyTorch in float64', () => {
  it('fills tensors by the same rule', () => {
    const golden = readFixture<Record<string, number[]>>('golden/fill.json');
    const shapes = readFixture<Record<string, { shape: number[] }>>('golden/state-dict.json');
    for (const [name, expected] of Object.entries(golden)) {
      const values = name.startsWith('images/') ? images(2) : fill(name, shapes[name]?.shape ?? []);
      assert.deepEqual([...values.subarray(0, 4)], expected, name);
    }
  });

  for (const classes of [7, 8]) {
    it(`gives the same logits and activations with ${classes} classes`, async () => {
      const golden = readFixture<Golden>(`golden/forward-${classes}.json`);
      const config = { ...posterV2Config, numClasses: golden.num_classes };
      const { graph: program, taps } = buildInference(posterV2Network(config));
      const tapped = Object.keys(golden.taps).map((name) => [name, taps.get(name)] as const);
      const outputs = tapped.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
      const results = await execute(graph(new Map([...outputs, ...program.outputs])), config, golden.logits.length);
      const { logits } = results;
      assert.ok(logits && distance([...(logits.data as Float32Array)], golden.logits.flat()) < 1e-4);
      for (const [name, expected] of Object.entries(golden.taps)) {
        const tap = results[name];
        assert.ok(tap);
        assert.deepEqual(tap.dims, expected.shape, name);
        const seen = summarize(tap.data as Float32Array);
        assert.ok(Math.abs(seen.norm / expected.norm - 1) < 1e-5, `norm of ${name}`);
        assert.ok(Math.abs(seen.sum - expected.sum) < 1e-4 * expected.norm, `sum of ${name}`);
        assert.ok(distance([...seen.first, ...seen.last], [...expected.first, ...expected.last]) < 1e-4, name);
      }
    });
  }

  it('gives the same logits when every row of the last block is computed', async () => {
    const config = posterV2NanoConfig;
    const full = buildForward(posterV2Network(config), 'inference', { everyToken: true }).logits;
    const short = buildInference(posterV2Network(config)).graph.outputs.get('logits');
    assert.ok(short);
    const { logits: expected } = await execute(graph({ logits: full }), config, 3);
    const { logits: actual } = await execute(graph({ logits: short }), config, 3);
    assert.ok(actual && expected);
    assert.deepEqual(actual.dims, [3, 8]);
    assert.ok(distance([...(actual.data as Float32Array)], [...(expected.data as Float32Array)]) < 1e-5);
  });
});
