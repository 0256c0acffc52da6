import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recognizer } from '../recognize/index.js';
import { recognizeFrames } from './recognize-frames.js';
import { FaceTracker } from './tracker.js';
import { VideoRecognizer } from './video-recognizer.js';

const labels = { name: 'two', labels: ['a', 'b'] };
const preprocessing = { imageSize: 4, channels: 1, mean: [0], std: [1] } as const;
const recognizer = Recognizer.of({
  classifier: {
    ...{ labels, preprocessing, description: { model: { name: 'fake', config: {} }, labels, preprocessing } },
    classify: async (_, n) => ({ logits: new Float32Array(2 * n), probabilities: new Float32Array(2 * n).fill(0.5) }),
    dispose: async () => undefined,
  },
  decode: () => Promise.reject(new Error('no files')),
});
const usage = (message: RegExp) => ({ name: 'UserError', kind: 'usage', message });

async function* never(): AsyncGenerator<never> {
  yield assert.fail('a frame was taken');
}
const begun = (...given: readonly unknown[]): Promise<unknown> =>
  Reflect.apply(recognizeFrames, undefined, given).next();

test('options that no frames can be followed with are refused before a frame is taken', async () => {
  for (const [options, message] of [
    [{ smoothing: 1 }, /^recognizeFrames has no option 'smoothing'; its options are signal, smooth/],
    [{ smooth: '1' }, /^The option 'smooth' of recognizeFrames cannot be 1; give a number/],
    [{ smooth: -1 }, /^Scores cannot be smoothed over -1 s/],
    [{ searchEvery: Number.NaN }, /^Faces cannot be searched for every NaN s/],
    [{ maxGap: Number.NaN }, /^A face cannot keep its number over NaN s/],
    [{ maxGap: -1 }, /^A face cannot keep its number over -1 s/],
    [{ sureScore: Number.NaN }, /^No face has a score of NaN/],
    [{ maxSide: 0 }, /^Frames cannot be shrunk to 0 pixels/],
    [{ maxSide: Number.NaN }, /^Frames cannot be shrunk to NaN pixels/],
    [{ batchSize: Number.NaN }, /^A batch cannot have NaN faces/],
    [{ detect: { minScore: 2 } }, /^Faces cannot be detected with a least score of 2/],
  ] as const) {
    await assert.rejects(begun(recognizer, never(), options), usage(message));
    if (!('batchSize' in options)) {
      const named = new RegExp(message.source.replace('recognizeFrames', 'VideoRecognizer'));
      assert.throws(() => Reflect.construct(VideoRecognizer, [recognizer, options]), usage(named));
    }
  }
});

test('what is no recognizer, and what are no frames, is told so', async () => {
  for (const wrong of [undefined, null, {}, Recognizer]) {
    await assert.rejects(
      begun(wrong, never()),
      usage(/^recognizeFrames needs a recognizer; give what Recognizer\.load/),
    );
    assert.throws(() => Reflect.construct(VideoRecognizer, [wrong]), usage(/^VideoRecognizer needs a recognizer/));
  }
  for (const frames of [undefined, [], { time: 0, frame: 0 }]) {
    await assert.rejects(begun(recognizer, frames), usage(/^recognizeFrames takes an async iterable of frames/));
  }
});

test('frames that are not in the order of their times are told so', () => {
  const tracker = new FaceTracker();
  tracker.update(1, []);
  for (const time of [1, 0.5, Number.NaN]) {
    assert.throws(
      () => tracker.update(time, []),
      usage(/does not come after the one at 1 s; give frames in the order/),
    );
  }
});
