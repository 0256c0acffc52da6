import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Candidate, decodeCandidates, intersectionOverUnion, type Maps, suppress } from './candidates.js';
import type { Box } from './face.js';

/** Maps of a grid where no cell has a face, but those given. */
function maps(width: number, height: number, cells: Readonly<Record<number, readonly number[]>>, logit: number): Maps {
  const plane = width * height;
  const scores = new Float32Array(plane).fill(-20);
  const regressors = new Float32Array(16 * plane).fill(3);
  for (const [cell, values] of Object.entries(cells)) {
    scores[Number(cell)] = logit;
    values.forEach((value, channel) => {
      regressors[channel * plane + Number(cell)] = value;
    });
  }
  return { width, height, scores, regressors };
}

const values = [1, -2, 20, 30, -4, -5, 4, -5, 0, 1, 0, 6, -9, -2, 9, -2];

test('a cell proposes a box and six points about its centre', () => {
  const [face, ...others] = decodeCandidates(maps(6, 4, { 13: values }, Math.log(0.8 / 0.2)), 0.6);
  assert.equal(others.length, 0);
  // Cell 13 of 6 columns is the second of the third row; its centre is at (1.5, 2.5) cells of 4 pixels.
  assert.deepEqual(face?.box, { x: 6 + 1 - 10, y: 10 - 2 - 15, width: 20, height: 30 });
  assert.ok(Math.abs((face?.score ?? 0) - 0.8) < 1e-6);
  assert.deepEqual(face?.keypoints, {
    rightEye: { x: 2, y: 5 },
    leftEye: { x: 10, y: 5 },
    noseTip: { x: 6, y: 11 },
    mouth: { x: 6, y: 16 },
    rightEar: { x: -3, y: 8 },
    leftEar: { x: 15, y: 8 },
  });
});

test('scores below the least, and boxes that are none, are left out', () => {
  const logit = Math.log(0.6 / 0.4);
  const count = (minScore: number, at = values): number =>
    decodeCandidates(maps(3, 3, { 4: at }, logit), minScore).length;
  assert.equal(count(0.59), 1);
  assert.equal(count(0.61), 0);
  assert.equal(count(0.5, [1, 1, 0, 5, ...values.slice(4)]), 0);
  assert.equal(count(0.5, [1, 1, 5, Number.NaN, ...values.slice(4)]), 0);
});

const side = fc.integer({ min: 1, max: 40 });
const coordinate = fc.integer({ min: 0, max: 80 });
const box: fc.Arbitrary<Box> = fc.record({ x: coordinate, y: coordinate, width: side, height: side });
const point = { x: 0, y: 0 };
const keypoints = { rightEye: point, leftEye: point, noseTip: point, mouth: point, rightEar: point, leftEar: point };
const candidate: fc.Arbitrary<Candidate> = fc.record({
  box,
  score: fc.double({ min: 0, max: 1, noNaN: true }),
  run: fc.nat(2),
  keypoints: fc.constant(keypoints),
});
const options = { overlap: 0.3, cover: 0.6 };

test('suppression keeps the most certain of those that overlap, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(candidate, { maxLength: 30 }), (all) => {
      const kept = suppress(all, options);
      const rivals = (a: Candidate, b: Candidate): boolean => {
        const w = Math.min(a.box.x + a.box.width, b.box.x + b.box.width) - Math.max(a.box.x, b.box.x);
        const h = Math.min(a.box.y + a.box.height, b.box.y + b.box.height) - Math.max(a.box.y, b.box.y);
        const common = w > 0 && h > 0 ? w * h : 0;
        const [one, two] = [a.box.width * a.box.height, b.box.width * b.box.height];
        return common / (one + two - common) > 0.3 || (a.run !== b.run && common / Math.min(one, two) > 0.6);
      };
      kept.forEach((one, i) => {
        assert.ok(all.includes(one));
        assert.ok(i === 0 || one.score <= (kept[i - 1]?.score ?? 0), 'sorted');
        assert.ok(!kept.some((other, j) => j < i && rivals(one, other)), 'two of one face');
      });
      for (const lost of all.filter((one) => !kept.includes(one))) {
        assert.ok(kept.some((better) => better.score >= lost.score && rivals(lost, better)));
      }
      assert.deepEqual(suppress(kept, options), kept);
    }),
  );
});

test('a small box within a large one counts as the same face only from another run', () => {
  const large = { box: { x: 0, y: 0, width: 40, height: 40 }, score: 0.9, run: 0, keypoints };
  const small = { box: { x: 10, y: 10, width: 10, height: 10 }, score: 0.8, run: 0, keypoints };
  assert.equal(suppress([small, large], options).length, 2);
  assert.deepEqual(suppress([{ ...small, run: 1 }, large], options), [large]);
});

test('the overlap of boxes is symmetric, 1 with itself and 0 apart', () => {
  fc.assert(
    fc.property(box, box, (a, b) => {
      assert.equal(intersectionOverUnion(a, b), intersectionOverUnion(b, a));
      assert.equal(intersectionOverUnion(a, a), 1);
      assert.equal(intersectionOverUnion(a, { ...b, x: a.x + a.width }), 0);
    }),
  );
});
