import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keypointNames } from '../common/preprocessing.js';
import type { Face, FaceDetector } from '../detect/index.js';
import { FrameFaces } from './frame-faces.js';

const face = (x: number): Face => {
  const point = { x: x + 20, y: 30 };
  const keypoints = { rightEye: point, leftEye: point, noseTip: point, mouth: point, rightEar: point, leftEar: point };
  assert.deepEqual(Object.keys(keypoints).sort(), [...keypointNames].sort());
  return { box: { x, y: 10, width: 40, height: 40 }, score: 0.9, keypoints };
};
const frame = [{ width: 320, height: 240, channels: 3, data: new Uint8Array(320 * 240 * 3) }] as const;

/** Sees what is there, and counts searches. */
class Scripted implements FaceDetector {
  there: readonly Face[] = [];
  searches = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  async detect(): Promise<Face[]> {
    this.searches++;
    return this.there.slice(0, this.#most);
  }

  async follow(_: unknown, faces: readonly Face[]): Promise<(Face | undefined)[]> {
    return faces.map((one) => {
      const [first, ...others] = this.there;
      // With one there, whoever is looked for nearby is taken for it.
      return others.length === 0 ? first : this.there.find(({ box }) => Math.abs(box.x - one.box.x) < 15);
    });
  }

  async dispose(): Promise<void> {}
}

test('at most so many faces, also when one comes back that was hidden', async () => {
  const detector = new Scripted(1);
  const faces = new FrameFaces(detector, { detect: { maxFaces: 1 } });
  for (const [i, there] of [[10], [10], [200], [10, 200], [10, 200], [10, 200]].entries()) {
    detector.there = there.map(face);
    assert.ok((await faces.next(i / 10, frame)).length <= 1, `frame ${i}`);
  }
});

test('when two that were followed are seen in one place, whole frames are searched at once', async () => {
  const detector = new Scripted(9);
  const faces = new FrameFaces(detector);
  detector.there = [face(100), face(160)];
  for (const time of [0, 0.1]) await faces.next(time, frame);
  const before = detector.searches;
  detector.there = [face(130)];
  await faces.next(0.2, frame);
  assert.equal(detector.searches, before + 1);
});
