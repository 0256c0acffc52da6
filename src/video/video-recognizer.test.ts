import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Face, FaceDetector } from '../detect/index.js';
import { type Classifier, Recognizer } from '../recognize/index.js';
import { recognizeFrames, type TimedImage, type VideoFrame } from './recognize-frames.js';
import { VideoRecognizer } from './video-recognizer.js';

const side = 4;
const set = { name: 'two', labels: ['dark', 'bright'] };
const preprocessing = { imageSize: side, channels: 1, mean: [0], std: [1] } as const;

/** A face in the middle of each frame, as bright as the frame; `gate` holds up the network. */
function fake(gate: () => Promise<void> = async () => undefined): Recognizer {
  const classifier: Classifier = {
    labels: set,
    preprocessing,
    description: { model: { name: 'fake', config: {} }, labels: set, preprocessing },
    async classify(images, n) {
      await gate();
      const means = Array.from({ length: n }, (_, i) => {
        const one = images.subarray(i * side * side, (i + 1) * side * side);
        return one.reduce((sum, value) => sum + value, 0) / one.length;
      });
      const probabilities = Float32Array.from(means.flatMap((mean) => [1 - mean, mean]));
      return { logits: probabilities, probabilities };
    },
    dispose: async () => undefined,
  };
  const at = (x: number, y: number): { x: number; y: number } => ({ x, y });
  const keypoints = {
    ...{ rightEye: at(26, 26), leftEye: at(38, 26), noseTip: at(32, 33) },
    ...{ mouth: at(32, 40), rightEar: at(20, 30), leftEar: at(44, 30) },
  };
  const face: Face = { box: { x: 16, y: 16, width: 32, height: 32 }, score: 0.9, keypoints };
  const detector: FaceDetector = {
    detect: async () => [face],
    follow: async (_, faces) => faces.map(() => face),
    dispose: async () => undefined,
  };
  return Recognizer.of({
    classifier,
    detector,
    decode: () => Promise.reject(new Error('no files')),
    lowContrast: 'keep',
  });
}

const plain = (value: number): TimedImage['picture'] => ({
  ...{ width: 64, height: 64, channels: 1 },
  data: new Uint8Array(64 * 64).fill(value),
});

async function all(frames: AsyncIterable<VideoFrame>): Promise<VideoFrame[]> {
  const list: VideoFrame[] = [];
  for await (const frame of frames) list.push(frame);
  return list;
}

test('frames that are handed over give what the same frames give as a source', async () => {
  const recognizer = fake();
  const frames = [0, 40, 80, 200, 255, 0].map((value, frame) => ({ time: frame / 8, frame, picture: plain(value) }));
  async function* source(): AsyncGenerator<TimedImage, void, void> {
    yield* frames;
  }
  const expected = await all(recognizeFrames(recognizer, source()));
  const video = new VideoRecognizer(recognizer);
  const given: unknown[] = [];
  for (const { time, picture } of frames) given.push(await video.detectForVideo(picture, 1000 * time));
  await video.dispose();
  assert.deepEqual(given, expected);
  assert.deepEqual(
    expected.map(({ faces }) => faces.map(({ id }) => id)),
    frames.map(() => [1]),
  );
});

test('a frame that comes while one is under way is dropped, and counts for nothing', async () => {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const video = new VideoRecognizer(fake(() => opened));
  const first = video.detectForVideo(plain(9), 100);
  assert.equal(await video.detectForVideo(plain(9), 300), undefined);
  open();
  assert.equal((await first)?.time, 0.1);
  // Earlier than the one that was dropped.
  const next = await video.detectForVideo(plain(9), 200);
  assert.deepEqual([next?.time, next?.frame], [0.2, 1]);
  await video.dispose();
});

test('timestamps ascend until it is reset; once disposed of it says so', async () => {
  const video = new VideoRecognizer(fake());
  await video.detectForVideo(plain(9), 100);
  for (const timestamp of [100, 99]) {
    await assert.rejects(
      video.detectForVideo(plain(9), timestamp),
      new RegExp(
        `^UserError: A frame at ${timestamp} ms does not come after the one at 100 ms; pass frames in the order`,
      ),
    );
  }
  await assert.rejects(video.detectForVideo(plain(9), Number.NaN), /^UserError: A frame cannot be at NaN ms/);
  await video.reset();
  const again = await video.detectForVideo(plain(9), 0);
  assert.deepEqual([again?.time, again?.frame, again?.faces[0]?.id], [0, 0, 1]);
  await video.dispose();
  await video.dispose();
  await assert.rejects(video.detectForVideo(plain(9), 400), /^UserError: This video recognizer has been disposed of/);
});

test('a frame that cannot be read is a sentence, and the next begins anew', async () => {
  const video = new VideoRecognizer(fake());
  await video.detectForVideo(plain(9), 100);
  const wrong = { width: 9, height: 9, data: new Uint8Array(1) };
  await assert.rejects(
    video.detectForVideo(wrong, 200),
    /^UserError: The picture of frame 1 has 1 values, not the 9 x 9/,
  );
  assert.equal((await video.detectForVideo(plain(9), 50))?.frame, 0);
  await video.dispose();
});

test('disposing waits for the frame that is under way', async () => {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const video = new VideoRecognizer(fake(() => opened));
  const first = video.detectForVideo(plain(9), 0);
  const disposed = video.dispose();
  open();
  assert.equal((await first)?.faces.length, 1);
  await disposed;
});

test('after a cut faces are new, scores are not smoothed over it, and times may begin anew', async () => {
  async function* source(): AsyncGenerator<TimedImage, void, void> {
    yield { time: 5, frame: 0, picture: plain(0) };
    yield { time: 5.1, frame: 1, picture: plain(0) };
    yield { time: 1, frame: 2, picture: plain(255), cut: true };
    yield { time: 1.1, frame: 3, picture: plain(255) };
  }
  const frames = await all(recognizeFrames(fake(), source()));
  assert.deepEqual(
    frames.map(({ time, faces }) => [time, faces.map(({ id }) => id)]),
    [
      [5, [1]],
      [5.1, [1]],
      [1, [2]],
      [1.1, [2]],
    ],
  );
  const [face] = frames[2]?.faces ?? [];
  assert.equal(face?.expression, 'bright');
  assert.equal(face?.probability, face?.scores[0]?.probability);
});
