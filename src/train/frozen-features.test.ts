import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../common/random.js';
import type { Batch } from '../image/index.js';
import { parseNetwork } from '../models/index.js';
import { adamw } from '../optim/index.js';
import { tinyCheckpoint } from '../recognize/helpers.test.js';
import { Trainer } from './trainer.js';

const network = parseNetwork(tinyCheckpoint().model, 'the test');
const { imageSize, inputChannels, numClasses } = network.config;

/** Pictures that the seed says, under keys. */
function batchOf(seeds: readonly number[]): Batch & { readonly keys: readonly string[] } {
  const pixels = seeds.flatMap((seed) => {
    const noise = random(seed, 'picture');
    return Array.from({ length: inputChannels * imageSize ** 2 }, () => noise.next() - 0.5);
  });
  const labels = seeds.map((seed) => seed % numClasses);
  return { size: seeds.length, images: Float32Array.from(pixels), labels, keys: seeds.map(String) };
}

const create = (): Promise<Trainer> =>
  Trainer.create({ network, optimizer: adamw(1e-3), seed: 1, threads: 1, frozen: ['ir_back.', 'face_landback.'] });

test('pictures that have keys train and measure as they do without, in any company', async () => {
  const [kept, each] = [await create(), await create()];
  // The second batch has pictures of the first; the last has no others.
  for (const seeds of [
    [1, 2, 3],
    [3, 4, 2, 5],
    [5, 1],
  ]) {
    const { keys: _, ...plain } = batchOf(seeds);
    const [with_, without] = [await kept.step(batchOf(seeds)), await each.step(plain)];
    assert.ok(Math.abs(with_.loss - without.loss) < 1e-5, `${with_.loss} is not ${without.loss}`);
  }
  const { keys: _, ...plain } = batchOf([6, 1]);
  const [actual, expected] = [await kept.evaluate([batchOf([6, 1])]), await each.evaluate([plain])];
  assert.ok(Math.abs((actual.crossEntropy ?? Number.NaN) - (expected.crossEntropy ?? Number.NaN)) < 1e-5);
  await assert.rejects(() => kept.step({ ...batchOf([1, 2]), keys: ['1'] }), {
    kind: 'usage',
    message: 'A batch of 2 pictures has 1 keys; give each its own, or none.',
  });
  await kept.dispose();
  await each.dispose();
});

test('what has a key is computed once: other pixels under the same key are not looked at', async () => {
  const trainer = await create();
  const [first, other] = [batchOf([1, 2]), batchOf([3, 4])];
  const before = await trainer.logits(first.images, 2, first.keys);
  assert.deepEqual(await trainer.logits(other.images, 2, first.keys), before);
  assert.notDeepEqual(await trainer.logits(other.images, 2, other.keys), before);
  await trainer.dispose();
});
