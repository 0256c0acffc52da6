import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { graph } from '../src/graph/index.js';
import {
  buildForward,
  buildInference,
  posterV2Config,
  posterV2NanoConfig,
  posterV2Network,
} from '../src/models/index.js';
import { fill, images } from './support/fill.js';
import { readFixture } from './support/fixtures.js';
import { checkForward, distance, execute, type ForwardGolden } from './support/golden.js';

interface Golden extends ForwardGolden {
  readonly num_classes: number;
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
      await checkForward(posterV2Network({ ...posterV2Config, numClasses: golden.num_classes }), golden);
    });
  }

  it('gives the same logits when every row of the last block is computed', async () => {
    const network = posterV2Network(posterV2NanoConfig);
    const full = buildForward(network, 'inference', { everyToken: true }).logits;
    const short = buildInference(network).graph.outputs.get('logits');
    assert.ok(short);
    const { logits: expected } = await execute(graph({ logits: full }), network, 3);
    const { logits: actual } = await execute(graph({ logits: short }), network, 3);
    assert.ok(actual && expected);
    assert.deepEqual(actual.dims, [3, 8]);
    assert.ok(distance([...(actual.data as Float32Array)], [...(expected.data as Float32Array)]) < 1e-5);
  });
});
