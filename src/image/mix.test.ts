import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { random } from '../common/random.js';
import { type MixedBatch, type Mixing, mixBatch, noMixing } from './mix.js';

const [side, channels, classes] = [8, 2, 3];
const area = side * side;

/** Picture i is i + 1 everywhere and of class i % 3. */
function batchOf(size: number): MixedBatch {
  const images = Float32Array.from(
    { length: size * channels * area },
    (_, at) => Math.floor(at / (channels * area)) + 1,
  );
  const labels = Int32Array.from({ length: size }, (_, i) => i % classes);
  const targets = new Float32Array(size * classes);
  labels.forEach((label, i) => {
    targets[i * classes + label] = 1;
  });
  return { size, images, targets, labels };
}

function mixed(size: number, mixing: Mixing, seed: number): MixedBatch {
  const batch = batchOf(size);
  mixBatch(batch, side, mixing, random(seed));
  return batch;
}

const alpha = fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max: 50, noNaN: true }));

describe('mixing', () => {
  it('keeps shares that add up to 1, values within those of the batch, and follows from its stream alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), alpha, alpha, fc.integer(), (size, mixup, cutmix, seed) => {
        const { images, targets, labels } = mixed(size, { mixup, cutmix }, seed);
        for (let i = 0; i < size; i++) {
          const row = [...targets.subarray(i * classes, (i + 1) * classes)];
          assert.ok(Math.abs(row.reduce((sum, share) => sum + share, 0) - 1) < 1e-6);
          assert.ok(row.every((share) => share >= 0));
          assert.ok((row[labels[i] ?? -1] ?? 0) >= 0.5 - 1e-6, 'the label is of the larger share');
        }
        assert.ok(images.every((value) => value >= 1 - 1e-5 && value <= size + 1e-5));
        assert.deepEqual(mixed(size, { mixup, cutmix }, seed), { size, images, targets, labels });
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('of no strength, or of one picture, changes nothing', () => {
    assert.deepEqual(mixed(5, noMixing, 1), batchOf(5));
    const { images } = mixed(1, { mixup: 1, cutmix: 1 }, 1);
    assert.ok(images.every((value) => Math.abs(value - 1) < 1e-6));
    const empty = { size: 0, images: new Float32Array(0), targets: new Float32Array(0), labels: new Int32Array(0) };
    mixBatch(empty, side, { mixup: 1, cutmix: 1 }, random(1));
  });

  it('by mixup gives both pictures and targets the same shares', () => {
    for (let seed = 0; seed < 50; seed++) {
      const { images, targets } = mixed(2, { mixup: 1, cutmix: 0 }, seed);
      // Pictures of 1 and 2, of the first and second class.
      for (const i of [0, 1]) {
        const picture = images.subarray(i * channels * area, (i + 1) * channels * area);
        const wanted = (targets[i * classes] ?? 0) + 2 * (targets[i * classes + 1] ?? 0);
        assert.ok(picture.every((value) => Math.abs(value - wanted) < 1e-5));
      }
    }
  });

  it('by CutMix pastes one box, the same in all channels, of the share that the targets say', () => {
    let boxes = 0;
    for (let seed = 0; seed < 100; seed++) {
      const { images, targets } = mixed(2, { mixup: 0, cutmix: 1 }, seed);
      const [first, second] = [images.subarray(0, area), images.subarray(area, 2 * area)];
      assert.deepEqual(first, second);
      const pasted = [...first.keys()].filter((at) => first[at] === 2);
      assert.ok(Math.abs(pasted.length / area - (targets[1] ?? Number.NaN)) < 1e-6);
      if (pasted.length === 0) continue;
      boxes++;
      const [xs, ys] = [pasted.map((at) => at % side), pasted.map((at) => Math.floor(at / side))];
      const [width, height] = [xs, ys].map((all) => Math.max(...all) - Math.min(...all) + 1);
      assert.equal(pasted.length, (width ?? 0) * (height ?? 0), 'a full box');
    }
    assert.ok(boxes > 25);
  });

  it('takes either at even chance where both are asked for', () => {
    let blended = 0;
    for (let seed = 0; seed < 300; seed++) {
      const { images } = mixed(9, { mixup: 5, cutmix: 5 }, seed);
      if (!Number.isInteger(images[0])) blended++;
    }
    // A picture in nine is its own partner and shows nothing.
    assert.ok(Math.abs(blended - 150 * (8 / 9)) < 40, String(blended));
  });
});
