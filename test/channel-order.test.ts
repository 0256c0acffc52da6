import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { itemAt } from '../src/common/item-at.js';
import { imagenetMean, imagenetStd } from '../src/common/preprocessing.js';
import {
  buildInference,
  modelNamed,
  type PosterV1Config,
  posterV1NanoConfig,
  posterV1Network,
} from '../src/models/index.js';
import { lower } from '../src/passes/index.js';
import { cropTensor } from '../src/recognize/face-crops.js';
import { CpuSession, floats, type HostTensor, hostTensor } from '../src/runtime/index.js';
import { fill, uniform } from './support/fill.js';

const side = 48;
const small: PosterV1Config = {
  ...posterV1NanoConfig,
  numClasses: 3,
  inputChannels: 3,
  image: { stem: 4, stages: [8, 8, 8].map((channels) => ({ channels, units: 1 })) },
  landmark: { ...posterV1NanoConfig.landmark, head: 32 },
  fusion: { ...posterV1NanoConfig.fusion, embedding: 32, heads: 2, blocks: 1 },
};

async function logitsOf(channelOrder: PosterV1Config['channelOrder'], pixels: Float32Array): Promise<number[]> {
  const { graph, parameters } = buildInference(posterV1Network({ ...small, channelOrder }));
  const session = await CpuSession.create(lower(graph, 'cpu'));
  const feeds = new Map<string, HostTensor>([['pixel_values', hostTensor('float32', pixels, [1, 3, side, side])]]);
  for (const { name, shape } of parameters.values()) feeds.set(name, hostTensor('float32', fill(name, shape), shape));
  const outputs = await session.run(feeds);
  await session.dispose();
  return [...floats(outputs.get('logits'))];
}

/** Red, green and blue of a picture [3, S, S] the other way round. */
const turned = (pixels: Float32Array): Float32Array => {
  const area = side * side;
  return Float32Array.from([2, 1, 0].flatMap((channel) => [...pixels.subarray(channel * area, (channel + 1) * area)]));
};

describe('the order of colours of POSTER V1', () => {
  it('is turned in the network: RGB goes in, and what it computes is what the published code computes of BGR', async () => {
    const rgb = uniform('picture', 3 * side * side, (u) => 2 * u - 1);
    const [bgr, same] = [await logitsOf('bgr', rgb), await logitsOf('rgb', turned(rgb))];
    assert.deepEqual(bgr, same);
    assert.notDeepEqual(bgr, await logitsOf('rgb', rgb));
  });

  it('is that of the published code in pictures too: blue is normalised by the numbers for red', () => {
    for (const [name, order] of [
      ['poster-v1', 'bgr'],
      ['poster-v1-small', 'bgr'],
      ['poster-v1-base', 'bgr'],
      ['poster-v1-affectnet', 'rgb'],
    ] as const) {
      const { network, preprocessing } = modelNamed(name);
      assert.equal(network.config['channelOrder'], order, name);
      const picture = { width: 1, height: 1, channels: 3, data: Uint8Array.of(250, 120, 10) } as const;
      const crop = { ...picture, lowContrast: false };
      const pixels = cropTensor([crop], { ...preprocessing, imageSize: 1 });
      const normal = (byte: number, channel: number): number =>
        (byte / 255 - itemAt(imagenetMean, channel)) / itemAt(imagenetStd, channel);
      const numbers = order === 'bgr' ? [2, 1, 0] : [0, 1, 2];
      const expected = [250, 120, 10].map((byte, i) => normal(byte, itemAt(numbers, i)));
      expected.forEach((value, i) => {
        assert.ok(Math.abs(itemAt(pixels, i) - value) < 1e-5, `${name}: ${pixels.join()}`);
      });
    }
  });
});
