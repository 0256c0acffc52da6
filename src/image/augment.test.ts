import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { imagenetMean, imagenetStd } from '../common/preprocessing.js';
import { random } from '../common/random.js';
import { augmentInto, checkTensorAugmentation } from './augment.js';
import {
  type Augmentation,
  affectnetAugmentation,
  nanoAugmentation,
  noAugmentation,
  rafdbAugmentation,
} from './augmentation.js';
import { inputFormat } from './input-format.js';

const size = 16;
const rgb = inputFormat({ imageSize: size, channels: 3, mean: imagenetMean, std: imagenetStd });
/** Values 0..255 come back as they are. */
const plain = inputFormat({ imageSize: size, channels: 1, mean: [0], std: [1 / 255] });
const ramp = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 7) % 256);
/** Brightness falls from left to right, plus a little from top to bottom. */
const slope = Uint8Array.from({ length: size * size }, (_, i) => 200 - 10 * (i % size) + 2 * Math.floor(i / size));

function run(augmentation: Augmentation, seed: number, format = plain, picture = slope): Float32Array {
  const out = new Float32Array(size * size * format.channels);
  augmentInto(out, 0, picture, format, augmentation, (...change) => random(seed, ...change));
  return out;
}
const near = (a: Float32Array, b: ArrayLike<number>, tolerance: number): void =>
  a.forEach((value, i) => {
    assert.ok(Math.abs(value - (b[i] ?? Number.NaN)) <= tolerance, `${i}: ${value} and ${b[i]}`);
  });
const mirrored = Uint8Array.from(slope, (_, i) => slope[i - (i % size) + size - 1 - (i % size)] ?? 0);

test('without augmentation: HWC to CHW, float32 arithmetic of PyTorch', () => {
  const out = run(noAugmentation, 1, rgb, ramp);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < size * size; i++) {
      const v = Math.fround((ramp[i * 3 + c] ?? 0) / 255);
      const centered = Math.fround(v - Math.fround(imagenetMean[c] ?? 0));
      assert.equal(out[c * size * size + i], Math.fround(centered / Math.fround(imagenetStd[c] ?? 1)));
    }
  }
});

test('flip mirrors, also together with the bilinear pass', () => {
  near(run({ ...noAugmentation, flip: 1 }, 1), mirrored, 1e-4);
  // A rotation too small to see takes the other code path.
  near(run({ ...noAugmentation, flip: 1, rotation: 1e-9 }, 1), mirrored, 1e-3);
  near(run({ ...noAugmentation, flip: 1, brightness: 1e-9 }, 1), mirrored, 1e-3);
  let flips = 0;
  for (let seed = 0; seed < 400; seed++) if ((run({ ...noAugmentation, flip: 0.5 }, seed)[0] ?? 0) < 150) flips++;
  assert.ok(Math.abs(flips - 200) < 50);
});

test('rotation, scale and shift go where they should', () => {
  // A bright dot in the middle of the right edge.
  const dot = new Uint8Array(size * size);
  for (const y of [7, 8]) for (const x of [13, 14]) dot[y * size + x] = 255;
  const center = (values: Float32Array): readonly [number, number] => {
    let [sum, sx, sy] = [0, 0, 0];
    values.forEach((value, i) => {
      sum += value;
      sx += value * (i % size);
      sy += value * Math.floor(i / size);
    });
    return [sx / sum - 7.5, sy / sum - 7.5];
  };
  for (let seed = 0; seed < 30; seed++) {
    const [x, y] = center(run({ ...noAugmentation, rotation: 15 }, seed, plain, dot));
    assert.ok(Math.abs(Math.hypot(x, y) - 6) < 0.3);
    assert.ok(Math.abs(Math.atan2(y, x)) <= (15.5 * Math.PI) / 180);
    const [zoomed, still] = center(run({ ...noAugmentation, zoom: [0.5, 0.5] }, seed, plain, dot));
    assert.ok(Math.abs(zoomed - 3) < 0.3 && Math.abs(still) < 0.1);
    const [moved] = center(run({ ...noAugmentation, shift: 0.1 }, seed, plain, dot));
    assert.ok(Math.abs(moved - 6) < 1.7);
  }
});

test('beyond the border lies the border; a flat picture stays flat under any movement', () => {
  const flat = new Uint8Array(size * size).fill(100);
  const moves: Augmentation = { ...nanoAugmentation, brightness: 0, contrast: 0 };
  fc.assert(fc.property(fc.integer(), (seed) => near(run(moves, seed, plain, flat), flat, 1e-3)));
});

test('brightness is a factor, contrast works about the mean luma, both clamped', () => {
  const mean = slope.reduce((sum, value) => sum + value, 0) / slope.length;
  for (let seed = 0; seed < 20; seed++) {
    const bright = run({ ...noAugmentation, brightness: 0.2 }, seed);
    const factor = (bright[200] ?? 0) / (slope[200] ?? 1);
    assert.ok(factor >= 0.8 - 1e-5 && factor <= 1.2 + 1e-5);
    near(
      bright,
      Array.from(slope, (v) => Math.min(255, v * factor)),
      1e-2,
    );
    const contrast = run({ ...noAugmentation, contrast: 0.2 }, seed);
    const gain = ((contrast[0] ?? 0) - mean) / ((slope[0] ?? 0) - mean);
    assert.ok(gain >= 0.8 - 1e-5 && gain <= 1.2 + 1e-5);
    near(
      contrast,
      Array.from(slope, (v) => mean + (v - mean) * gain),
      1e-2,
    );
  }
});

test('erasing: one box of zeros, of the area and shape asked for, as often as asked for', () => {
  const ones = new Uint8Array(size * size).fill(200);
  const box = (augmentation: Augmentation, seed: number): { readonly area: number; readonly ratio: number } => {
    const out = run({ ...augmentation, flip: 0 }, seed, plain, ones);
    const zeros = [...out.keys()].filter((i) => out[i] === 0);
    if (zeros.length === 0) return { area: 0, ratio: 1 };
    const xs = zeros.map((i) => i % size);
    const ys = zeros.map((i) => Math.floor(i / size));
    const width = Math.max(...xs) - Math.min(...xs) + 1;
    const height = Math.max(...ys) - Math.min(...ys) + 1;
    assert.equal(zeros.length, width * height, 'a full box');
    return { area: zeros.length / (size * size), ratio: height / width };
  };
  let erased = 0;
  for (let seed = 0; seed < 400; seed++) {
    const { area } = box(rafdbAugmentation, seed);
    if (area > 0) erased++;
    assert.ok(area <= 0.13);
    const always = box(affectnetAugmentation, seed);
    assert.ok(always.area > 0.03 && always.area < 0.075 && always.ratio > 0.2 && always.ratio < 5);
  }
  assert.ok(Math.abs(erased - 200) < 50);
  // A box that cannot fit is given up after ten tries.
  const whole: Augmentation = { ...noAugmentation, erasing: { probability: 1, scale: [1, 1], ratio: [1, 1] } };
  near(run(whole, 1), slope, 1e-4);
});

test('the result depends on the stream alone', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      assert.deepEqual(run(nanoAugmentation, seed, rgb, ramp), run(nanoAugmentation, seed, rgb, ramp));
      assert.notDeepEqual(run(nanoAugmentation, seed, rgb, ramp), run(nanoAugmentation, seed + 1, rgb, ramp));
    }),
    { numRuns: 20 },
  );
});

test('mean and std must fit the channels', () => {
  assert.throws(() => inputFormat({ imageSize: 4, channels: 3, mean: [0], std: [1] }), RangeError);
  assert.throws(() => inputFormat({ imageSize: 4, channels: 1, mean: [0], std: [0] }), RangeError);
});

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;
const noise = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * i * 31 + 7 * i) % 256);
const strong: Augmentation = {
  ...nanoAugmentation,
  ...{ cropScale: [0.5, 0.9], gammaCorrection: 1, blur: 1, noise: 0.2, jpeg: 1 },
};

test('a crop is a square within the picture, brought to full size', () => {
  // Values say where they are from: 10 a pixel to the right and 0.1 down, in a picture without a border's repetition.
  const columns = Uint8Array.from({ length: size * size }, (_, i) => 10 * (i % size) + 5);
  const lefts: number[] = [];
  for (let seed = 0; seed < 200; seed++) {
    const row = run({ ...noAugmentation, cropScale: [0.5, 0.75] }, seed, plain, columns).subarray(0, size);
    const side = (((row[12] ?? 0) - (row[3] ?? 0)) / 9 / 10) * size;
    assert.ok(side > 0.5 * size - 0.01 && side < 0.75 * size + 0.01, `${side} of ${size} pixels`);
    const middle = ((row[7] ?? 0) + (row[8] ?? 0) - 10) / 20 + 0.5;
    assert.ok(middle - side / 2 > -0.01 && middle + side / 2 < size + 0.01, `${middle} with a side of ${side}`);
    lefts.push(middle - side / 2);
  }
  assert.ok(Math.min(...lefts) < 0.5 && Math.max(...lefts) > 6, 'anywhere');
});

test('gamma correction keeps black, white and order, and comes as often above 1 as below', () => {
  const gray = Uint8Array.from({ length: size * size }, (_, i) => i);
  let darker = 0;
  for (let seed = 0; seed < 200; seed++) {
    const out = run({ ...noAugmentation, gammaCorrection: 1 }, seed, plain, gray);
    assert.ok(Math.abs(out[0] ?? 1) < 1e-3 && Math.abs((out[255] ?? 0) - 255) < 1e-3);
    assert.ok(out.every((value, i) => i === 0 || value > (out[i - 1] ?? Number.NaN)));
    const exponent = Math.log((out[128] ?? 0) / 255) / Math.log(128 / 255);
    assert.ok(exponent > 0.49 && exponent < 2.01);
    near(
      out,
      Array.from(gray, (value) => 255 * (value / 255) ** exponent),
      0.05,
    );
    if (exponent > 1) darker++;
  }
  assert.ok(Math.abs(darker - 100) < 35);
});

test('blur and noise keep the mean, and change as much as they are told to', () => {
  const flat = new Uint8Array(size * size).fill(120);
  for (let seed = 0; seed < 50; seed++) {
    const blurred = run({ ...noAugmentation, blur: 1 }, seed, plain, noise);
    // Only the border, which is repeated, moves the mean.
    assert.ok(Math.abs(mean(blurred) - mean(noise.subarray(0, size * size))) < 3);
    near(run({ ...noAugmentation, blur: 1 }, seed, plain, flat), flat, 1e-3);
    const noisy = run({ ...noAugmentation, noise: 0.1 }, seed, plain, flat);
    const std = Math.sqrt(mean(noisy.map((value) => (value - 120) ** 2)));
    assert.ok(Math.abs(mean(noisy) - 120) < 6 && std < 0.1 * 255 * 1.2, `mean ${mean(noisy)}, deviation ${std}`);
  }
});

test('every change of strength 0 leaves the picture, and a probability says how often', () => {
  for (const change of [
    { blur: 0 },
    { noise: 0 },
    { jpeg: 0 },
    { gammaCorrection: 0 },
    { cropScale: [1, 1] },
  ] as const) {
    assert.deepEqual(run({ ...noAugmentation, ...change }, 1, rgb, ramp), run(noAugmentation, 1, rgb, ramp));
  }
  const wide = inputFormat({ imageSize: 48, channels: 1, mean: [0], std: [1 / 255] });
  const checks = Uint8Array.from({ length: 48 * 48 }, (_, i) => (i * i * 31 + 7 * i) % 256);
  const out = new Float32Array(48 * 48);
  for (const change of ['blur', 'jpeg'] as const) {
    const changed = Array.from({ length: 300 }, (_, seed) => {
      augmentInto(out, 0, checks, wide, { ...noAugmentation, [change]: 0.5 }, (...path) => random(seed, ...path));
      return out.some((value, i) => Math.abs(value - (checks[i] ?? 0)) > 0.1);
    });
    assert.ok(Math.abs(changed.filter(Boolean).length - 150) < 40, change);
  }
});

test('whatever is asked for, values stay those of a picture, and follow from the stream alone', () => {
  const part = fc.double({ min: 0, max: 1, noNaN: true });
  const range = (least: number, most: number): fc.Arbitrary<[number, number]> =>
    fc
      .tuple(fc.double({ min: least, max: most, noNaN: true }), fc.double({ min: least, max: most, noNaN: true }))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)]);
  const any: fc.Arbitrary<Augmentation> = fc.record({
    ...{ flip: part, shift: part, brightness: part, contrast: part, blur: part, noise: part, jpeg: part },
    rotation: fc.double({ min: 0, max: 180, noNaN: true }),
    zoom: range(0.1, 3),
    cropScale: range(0.05, 1),
    gammaCorrection: fc.double({ min: 0, max: 9, noNaN: true }),
    erasing: fc.constant(null),
  });
  fc.assert(
    fc.property(any, fc.integer(), (augmentation, seed) => {
      const out = run(augmentation, seed, plain, noise);
      assert.ok(out.every((value) => value >= -1e-3 && value <= 255.001));
      assert.deepEqual(run(augmentation, seed, plain, noise), out);
    }),
    { numRuns: 100, seed: 1 },
  );
});

test('a change leaves what others draw as it was', () => {
  const flat = new Uint8Array(size * size).fill(120);
  for (let seed = 0; seed < 30; seed++) {
    const { blur, jpeg, ...rest } = strong;
    assert.ok(blur === 1 && jpeg === 1);
    const [without, all] = [
      { ...rest, blur: 0, jpeg: 0 },
      { ...strong, jpeg: 0 },
    ].map((one) => run(one, seed, plain, flat));
    // A flat picture is not changed by blur; noise and everything behind it must be the same.
    near(all ?? new Float32Array(0), without ?? [], 1e-3);
  }
});

test('of pictures that are normalised already, only mirrors and boxes can be asked for', () => {
  checkTensorAugmentation(affectnetAugmentation);
  for (const change of [{ cropScale: [0.8, 0.9] }, { jpeg: 0.1 }, { noise: 0.1 }, { zoom: [1, 1.1] }] as const) {
    assert.throws(
      () => checkTensorAugmentation({ ...noAugmentation, ...change }),
      /can be mirrored and erased, not turned/,
    );
  }
});
