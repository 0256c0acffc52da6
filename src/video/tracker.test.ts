import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Face } from '../detect/index.js';
import { FaceTracker, type TrackedFace } from './tracker.js';

function faceAt(x: number, y = 100, width = 50, score = 0.9): Face {
  const point = { x, y };
  return {
    box: { x: x - width / 2, y: y - width / 2, width, height: width },
    score,
    keypoints: { rightEye: point, leftEye: point, noseTip: point, mouth: point, rightEar: point, leftEar: point },
  };
}

/** Ids of the faces by where they are, at 10 frames a second. */
function follow(frames: readonly (readonly Face[])[], tracker = new FaceTracker()): TrackedFace[][] {
  return frames.map((faces, i) => tracker.update(i / 10, faces));
}
const idOf = (tracked: readonly TrackedFace[] | undefined, face: Face | undefined): number | undefined =>
  tracked?.find((one) => one.face === face)?.id;

test('a face that moves and grows keeps its id', () => {
  const frames = Array.from({ length: 30 }, (_, i) => [faceAt(100 + 12 * i, 100 + 4 * i, 50 * 1.03 ** i)]);
  assert.deepEqual(
    follow(frames).map((tracked) => tracked.map(({ id }) => id)),
    frames.map(() => [1]),
  );
});

test('two faces that pass each other keep their ids, also where one hides the other', () => {
  const left = Array.from({ length: 41 }, (_, i) => faceAt(100 + 10 * i, 100));
  const right = Array.from({ length: 41 }, (_, i) => faceAt(500 - 10 * i, 118));
  for (const hidden of [false, true]) {
    const frames = left.map((face, i) => {
      const other = right[i];
      return other === undefined || (hidden && Math.abs(i - 20) <= 3) ? [face] : [other, face];
    });
    const tracked = follow(frames);
    const [one, two] = [idOf(tracked[0], left[0]), idOf(tracked[0], right[0])];
    assert.deepEqual(new Set([one, two]), new Set([1, 2]));
    assert.equal(idOf(tracked[40], left[40]), one, `hidden: ${hidden}`);
    assert.equal(idOf(tracked[40], right[40]), two, `hidden: ${hidden}`);
  }
});

test('an id outlasts a short gap, not a long one, and never comes back', () => {
  const gap = (frames: number): (readonly Face[])[] => [
    [faceAt(100)],
    [faceAt(101)],
    ...Array.from({ length: frames }, () => []),
    [faceAt(104)],
  ];
  assert.deepEqual(follow(gap(8)).at(-1)?.[0]?.id, 1);
  assert.deepEqual(follow(gap(12)).at(-1)?.[0]?.id, 2);
  const patient = new FaceTracker({ maxGap: 3 });
  assert.deepEqual(follow(gap(12), patient).at(-1)?.[0]?.id, 1);
});

test('a face that is not sure counts when it is seen twice in a row', () => {
  const doubtful = (x: number): Face => faceAt(x, 100, 50, 0.62);
  const tracked = follow([[doubtful(100)], [doubtful(101)], [], [doubtful(400)], [], [doubtful(400)]]);
  assert.deepEqual(
    tracked.map((faces) => faces.map(({ id }) => id)),
    [[], [1], [], [], [], []],
  );
});

test('after a cut nobody is who was there before', () => {
  const tracker = new FaceTracker();
  assert.equal(tracker.update(0, [faceAt(100)])[0]?.id, 1);
  tracker.cut();
  assert.deepEqual(tracker.expected(0.1), []);
  assert.equal(tracker.update(0.1, [faceAt(100)])[0]?.id, 2);
});

test('a face is expected where it is heading', () => {
  const tracker = new FaceTracker();
  for (let i = 0; i < 20; i++) tracker.update(i / 10, [faceAt(100 + 10 * i)]);
  const [expected] = tracker.expected(2);
  assert.ok(expected?.visible === true && Math.abs(expected.face.box.x + 25 - 300) < 3);
  // It does not fly on for ever while it is hidden.
  assert.ok((tracker.expected(2.8)[0]?.face.box.x ?? 0) < 340);
});

test('whatever is seen: ids are different within a frame, the order of faces does not matter, time goes on', () => {
  const face = fc
    .tuple(
      fc.integer({ min: 0, max: 600 }),
      fc.integer({ min: 0, max: 400 }),
      fc.integer({ min: 10, max: 120 }),
      fc.double({ min: 0.5, max: 1, noNaN: true }),
    )
    .map(([x, y, width, score]) => faceAt(x + Math.sqrt(2) * score, y, width, score));
  const frames = fc.array(fc.array(face, { maxLength: 5 }), { maxLength: 12 });
  fc.assert(
    fc.property(frames, (detections) => {
      const forth = follow(detections);
      const back = follow(detections.map((faces) => [...faces].reverse()));
      let highest = 0;
      forth.forEach((tracked, i) => {
        const ids = tracked.map(({ id }) => id);
        assert.equal(new Set(ids).size, ids.length);
        assert.ok(tracked.every((one) => detections[i]?.includes(one.face)));
        // New ids go on from the last one.
        const fresh = ids.filter((id) => id > highest).sort((a, b) => a - b);
        assert.deepEqual(
          fresh,
          fresh.map((_, k) => highest + 1 + k),
        );
        highest += fresh.length;
        assert.equal(back[i]?.length, tracked.length);
      });
    }),
  );
  const tracker = new FaceTracker();
  tracker.update(1, []);
  assert.throws(() => tracker.update(1, []), /^UserError: A frame at 1 s does not come after the one at 1 s/);
});
