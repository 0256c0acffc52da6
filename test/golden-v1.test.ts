import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { graph } from '../src/graph/index.js';
import {
  buildForward,
  type PosterV1Config,
  posterV1Config,
  posterV1NanoConfig,
  posterV1Network,
} from '../src/models/index.js';
import { fill } from './support/fill.js';
import { readFixture } from './support/fixtures.js';
import { checkForward, distance, execute, type ForwardGolden } from './support/golden.js';

/** Names of a published size and of the code whose variant it is. */
const files = ['small-raf-7', 'large-affect-8'] as const;

function configOf(file: string): PosterV1Config {
  const [size = '', code, classes] = file.split('-');
  const blocks = { small: 4, base: 6, large: 8 }[size] ?? Number.NaN;
  const fusion = { ...posterV1Config.fusion, blocks, mixing: code === 'raf' };
  // The golden pictures are what the backbones see, in whatever order of colours.
  return { ...posterV1Config, numClasses: Number(classes), channelOrder: 'rgb', fusion };
}

describe('POSTER V1 against PyTorch in float64', () => {
  it('fills tensors by the same rule', () => {
    const golden = readFixture<Record<string, number[]>>('golden-v1/fill.json');
    const shapes = readFixture<Record<string, { shape: number[] }>>('golden-v1/state-dict-small-raf-7.json');
    const filled = Object.entries(golden).filter(([name]) => name in shapes);
    assert.ok(filled.length > 5);
    for (const [name, expected] of filled) {
      assert.deepEqual([...fill(name, shapes[name]?.shape ?? []).subarray(0, 4)], expected, name);
    }
  });

  for (const file of files) {
    it(`gives the same logits and activations: ${file}`, async () => {
      // As published, with activations that reach no logit.
      const golden = readFixture<ForwardGolden>(`golden-v1/forward-${file}.json`);
      const inFusion = /^(?:tokens|down_[ms]|block\d+_[lms])$/;
      const tapOf = (name: string): string => (inFusion.test(name) ? `pyramid_fuse.${name}` : name);
      await checkForward(posterV1Network(configOf(file)), golden, { tapOf, build: { everyToken: true }, bySize: true });
    });
  }

  it('gives the same logits where what reaches none is left out', async () => {
    const network = posterV1Network({ ...posterV1NanoConfig, fusion: { ...posterV1NanoConfig.fusion, mixing: false } });
    const whole = buildForward(network, 'inference', { everyToken: true });
    const short = buildForward(network, 'inference');
    const dead = [...whole.scope.parameters.keys()].filter((name) => !short.scope.parameters.has(name));
    assert.ok(dead.length > 0 && dead.every((name) => /blocks\.1\.block_l\.(norm[34]|attn_lm|mlp2)\./.test(name)));
    const { logits: expected } = await execute(graph({ logits: whole.logits }), network, 2);
    const { logits: actual } = await execute(graph({ logits: short.logits }), network, 2);
    assert.ok(actual && expected);
    assert.deepEqual(actual.dims, [2, 8]);
    assert.ok(distance([...(actual.data as Float32Array)], [...(expected.data as Float32Array)]) < 1e-5);
  });
});
