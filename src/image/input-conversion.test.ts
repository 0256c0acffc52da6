import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { itemAt } from '../common/item-at.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { inputConversion, resizePlane } from './input-conversion.js';
import { inputFormat, normaliseInto } from './input-format.js';
import { toNetworkSize } from './resize.js';

const gray = (imageSize: number, mean = 0, std = 1): Preprocessing => ({
  imageSize,
  channels: 1,
  mean: [mean],
  std: [std],
});
const colour = (imageSize: number): Preprocessing => ({
  imageSize,
  channels: 3,
  mean: [0.5, 0.4, 0.25],
  std: [0.25, 0.5, 0.125],
});

function near(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  assert.equal(found.length, wanted.length);
  for (const [i, value] of Array.from(found).entries()) {
    assert.ok(Math.abs(value - itemAt(wanted, i)) <= tolerance, `${i}: ${value} is not ${itemAt(wanted, i)}`);
  }
}

test('the same input is the same array', () => {
  const images = Float32Array.of(1, 2, 3, 4);
  assert.equal(inputConversion(gray(2, 0.5, 0.25), gray(2, 0.5, 0.25))(images, 1), images);
});

test('another normalisation', () => {
  // 0.5 - 0.25, 0.5 + 0.25, and so on, are the values before; less 0.25, times 4.
  const images = Float32Array.of(-1, 1, 0, 2);
  near(inputConversion(gray(2, 0.5, 0.25), gray(2, 0.25, 0.25))(images, 1), [0, 2, 1, 3], 1e-6);
});

test('colour to gray and gray to colour, picture by picture', () => {
  // Red of 1 and nothing else, then all of 0.5.
  const images = Float32Array.of(2, -0.8, -2, 0, 0.2, 2);
  near(inputConversion(colour(1), gray(1))(images, 2), [0.299, 0.5], 1e-6);
  near(inputConversion(gray(1), colour(1))(Float32Array.of(1, 0.5), 2), [2, 1.2, 6, 0, 0.2, 2], 1e-6);
});

test('a plane is shrunk by the triangle filter: weights of 3, 3 and 1 sevenths at its border', () => {
  const plane = new Float64Array(16);
  plane.set([7, 0, 0, 49]);
  near(resizePlane(plane, 4, 2), [9 / 7, 9, 0, 0], 1e-5);
});

test("what a picture of a dataset is in another network's size, but for 8 bits", () => {
  const size = fc.integer({ min: 2, max: 24 });
  fc.assert(
    fc.property(
      size,
      size,
      fc.constantFrom(1 as const, 3 as const),
      fc.infiniteStream(fc.nat(255)),
      (from, to, channels, values) => {
        const data = Uint8Array.from({ length: from * from * channels }, () => values.next().value ?? 0);
        const picture = { width: from, height: from, channels, data };
        const [source, target] = [channels === 1 ? gray(from, 0.5, 0.25) : colour(from), gray(to)];
        const images = new Float32Array(data.length);
        normaliseInto(images, 0, data, inputFormat(source));
        const wanted = Float32Array.from(toNetworkSize(picture, to, 1).data, (value) => value / 255);
        // Two passes and the gray of a colour are rounded to 8 bits there, each by half a step.
        near(inputConversion(source, target)(images, 1), wanted, 1.6 / 255);
      },
    ),
  );
});

test('means and deviations that do not fit the channels are a sentence', () => {
  for (const wrong of [gray(2, 0, 0), { ...gray(2), mean: [] }, { ...colour(2), std: [1] }]) {
    assert.throws(() => inputConversion(gray(2), wrong), { kind: 'usage', message: /need as many means/ });
  }
});
