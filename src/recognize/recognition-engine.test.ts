import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Classifier } from './classifier.js';
import { Recognizer } from './recognizer.js';

const labels = { name: 'two', labels: ['a', 'b'] };
const preprocessing = { imageSize: 4, channels: 1, mean: [0], std: [1] } as const;
const gray = { width: 4, height: 4, channels: 1, data: new Uint8Array(16) } as const;
const decode = () => Promise.reject(new Error('no files'));

function classifierWith(more: Partial<Classifier> = {}): Classifier {
  return {
    ...{ labels, preprocessing, description: { model: { name: 'fake', config: {} }, labels, preprocessing } },
    classify: async (_, n) => ({ logits: new Float32Array(2 * n), probabilities: new Float32Array(2 * n).fill(0.5) }),
    dispose: async () => undefined,
    ...more,
  };
}

test('a recognizer says of its classifier all that a classifier says of itself', () => {
  const about = { prefer: 'rare', acrossBatch: 'the mean of its batch', threads: 3 } as const;
  const { classifier } = Recognizer.of({ classifier: classifierWith(about), decode });
  const { prefer, acrossBatch, threads } = classifier;
  assert.deepEqual({ prefer, acrossBatch, threads }, about);
  assert.ok(!('prefer' in Recognizer.of({ classifier: classifierWith(), decode }).classifier));
});

test('a batch that nothing fills is refused before the first picture is taken', async () => {
  const recognizer = Recognizer.of({ classifier: classifierWith(), decode });
  let taken = 0;
  async function* endless(): AsyncGenerator<typeof gray> {
    for (; taken < 1000; taken++) yield gray;
    throw new Error('all of it was taken');
  }
  for (const batchSize of [Number.NaN, 0]) {
    await assert.rejects(recognizer.recognize(endless(), { batchSize }).next(), /^UserError: A batch cannot have/);
    assert.equal(taken, 0);
  }
  await recognizer.dispose();
});

test('parts of which one is missing are refused in a sentence', () => {
  for (const parts of [undefined, null, {}, { classifier: classifierWith() }, { decode }]) {
    assert.throws(() => Reflect.apply(Recognizer.of, Recognizer, [parts]), {
      name: 'UserError',
      kind: 'usage',
      message: /^Recognizer\.of needs a classifier and a decoder/,
    });
  }
});
