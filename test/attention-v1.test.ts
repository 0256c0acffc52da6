import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../src/common/errors.js';
import { itemAt } from '../src/common/item-at.js';
import { graph } from '../src/graph/index.js';
import {
  buildExplanation,
  explained,
  type PosterV1Config,
  posterV1NanoConfig,
  posterV1Network,
} from '../src/models/index.js';
import { lower } from '../src/passes/index.js';
import { CpuSession, floats, type HostTensor, hostTensor } from '../src/runtime/index.js';
import { fill, images } from './support/fill.js';

const [width, heads, positions] = [32, 2, 9];
const config: PosterV1Config = {
  ...posterV1NanoConfig,
  numClasses: 3,
  image: { stem: 4, stages: [8, 8, 8].map((channels) => ({ channels, units: 1 })) },
  landmark: { ...posterV1NanoConfig.landmark, head: width },
  fusion: { ...posterV1NanoConfig.fusion, embedding: width, heads, blocks: 2 },
};

/** A row of numbers as LayerNorm leaves it. */
function normalised(row: readonly number[], name: string): number[] {
  const mean = row.reduce((a, b) => a + b, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  const [weight, bias] = [fill(`${name}.weight`, [width]), fill(`${name}.bias`, [width])];
  return row.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-6)) * itemAt(weight, i) + itemAt(bias, i));
}

/** The attention of each head to the landmark stream's places [heads][places], computed by hand from the tokens. */
function attentionByHand(tokens: readonly (readonly number[])[]): number[][] {
  const block = 'pyramid_fuse.blocks.0.block_l';
  const rows = tokens.map((row) => normalised(row, `${block}.norm3`));
  const [queries, face] = [rows.slice(0, 1 + positions), rows.slice(1 + positions)];
  const weight = fill(`${block}.attn_lm.kv.weight`, [2 * width, width]);
  const bias = fill(`${block}.attn_lm.kv.bias`, [2 * width]);
  const keys = face.map((row) =>
    Array.from({ length: width }, (_, o) =>
      row.reduce((sum, value, i) => sum + value * itemAt(weight, o * width + i), itemAt(bias, o)),
    ),
  );
  const size = width / heads;
  return Array.from({ length: heads }, (_, head) => {
    const cut = (row: readonly number[]): readonly number[] => row.slice(head * size, (head + 1) * size);
    const received = new Array<number>(positions).fill(0);
    for (const query of queries) {
      const scores = keys.map((key) => {
        const k = cut(key);
        return cut(query).reduce((sum, value, i) => sum + value * itemAt(k, i), 0) / Math.sqrt(size);
      });
      const exponentials = scores.map((score) => Math.exp(score - Math.max(...scores)));
      const total = exponentials.reduce((a, b) => a + b, 0);
      // The first key is the mean of all places, which has no place.
      exponentials.slice(1).forEach((value, position) => {
        received[position] = itemAt(received, position) + value / total;
      });
    }
    const total = received.reduce((a, b) => a + b, 0);
    return received.map((value) => value / total);
  });
}

async function run(target: number): Promise<ReadonlyMap<string, HostTensor>> {
  const built = buildExplanation(posterV1Network(config));
  const tokens = built.taps.get('pyramid_fuse.tokens');
  assert.ok(tokens);
  const session = await CpuSession.create(lower(graph(new Map([...built.graph.outputs, ['tokens', tokens]])), 'cpu'));
  const weights = Float32Array.from({ length: 3 }, (_, k) => (k === target ? 1 : 0));
  const feeds = new Map<string, HostTensor>([
    ['pixel_values', hostTensor('float32', images(1, 48, 1), [1, 1, 48, 48])],
    [explained.classWeights, hostTensor('float32', weights, [1, 3])],
  ]);
  for (const { name, shape } of built.parameters.values()) {
    feeds.set(name, hostTensor('float32', fill(name, shape), shape));
  }
  const outputs = await session.run(feeds);
  await session.dispose();
  return outputs;
}

describe('what POSTER V1 attends to', () => {
  it("is where its image's tokens look in the landmark stream, as computed by hand", async () => {
    const outputs = await run(0);
    const flat = [...floats(outputs.get('tokens'))];
    assert.equal(flat.length, 2 * (1 + positions) * width);
    const tokens = Array.from({ length: 2 * (1 + positions) }, (_, t) => flat.slice(t * width, (t + 1) * width));
    const actual = floats(outputs.get(explained.scale(1)));
    const expected = attentionByHand(tokens).flat();
    assert.equal(actual.length, expected.length);
    expected.forEach((value, i) => {
      assert.ok(Math.abs(itemAt(actual, i) - value) < 1e-5, `place ${i}: ${actual[i]}, not ${value}`);
    });
    assert.ok(itemAt(floats(outputs.get(explained.share(1))), 0) > 0);
  });

  it('has a relevance for each class', async () => {
    const [first, second] = await Promise.all([0, 1].map(run));
    const [a, b] = [first, second].map((outputs) => [...floats(outputs?.get(explained.scaleRelevance(1)))]);
    assert.equal(a?.length, positions);
    assert.ok(a?.every((value) => value >= 0) && a.some((value) => value > 0));
    assert.notDeepEqual(a, b);
    assert.deepEqual(first?.get('logits'), second?.get('logits'));
  });

  it('is nothing where no logit depends on it', () => {
    const one = posterV1Network({ ...config, fusion: { ...config.fusion, blocks: 1, mixing: false } });
    assert.throws(() => buildExplanation(one), UserError);
  });
});
