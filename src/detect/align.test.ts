import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cropTemplateFor, ferPlusCrop, rafDbCrop } from '../common/crop-templates.js';
import { random } from '../common/random.js';
import { type Picture, resizeBilinear } from '../image/resize.js';
import { transformed, turn } from '../image/similarity.js';
import { crop, warp } from '../image/warp.js';
import { alignFace, cropCorners, cropTransform } from './align.js';
import type { Keypoints } from './face.js';
import { rotated } from './rotate-picture.js';

function noise(width: number, height: number, channels: 1 | 3): Picture {
  const generator = random(1, 'picture', width);
  const data = Uint8Array.from({ length: width * height * channels }, () => generator.int(256));
  return { width, height, channels, data };
}

/** Largest difference between values of two pictures of one size. */
function difference(a: Picture, b: Picture): number {
  assert.deepEqual([a.width, a.height, a.channels], [b.width, b.height, b.channels]);
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - (b.data[i] ?? 0))), 0);
}

const identity = { a: 1, b: 0, tx: 0, ty: 0 };

test('a crop of a size that no picture has is refused', () => {
  const at = (x: number, y: number) => ({ x, y });
  const keypoints = {
    ...{ rightEye: at(20, 20), leftEye: at(40, 20), noseTip: at(30, 30) },
    ...{ mouth: at(30, 40), rightEar: at(10, 25), leftEar: at(50, 25) },
  };
  const picture: Picture = { width: 64, height: 64, channels: 1, data: new Uint8Array(64 * 64) };
  for (const size of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e6]) {
    assert.throws(
      () => alignFace(picture, keypoints, rafDbCrop, size),
      /^UserError: A face cannot be cut out .* pixels wide/,
    );
  }
  assert.equal(alignFace(picture, keypoints, rafDbCrop, 1).data.length, 1);
});

test('without rotation a warp is a shift, a crop or the resizing of training', () => {
  for (const channels of [1, 3] as const) {
    const picture = noise(40, 30, channels);
    assert.equal(difference(warp(picture, identity, 40, 30), picture), 0);
    assert.equal(difference(warp(picture, { ...identity, tx: -7, ty: -4 }, 20, 16), crop(picture, 7, 4, 20, 16)), 0);
    for (const factor of [0.5, 0.3, 2]) {
      const [w, h] = [40 * factor, 30 * factor];
      const whole = resizeBilinear(picture, w, h);
      const warped = warp(picture, { ...identity, a: factor }, w, h);
      // At the border resizing leaves out what lies beyond, warping repeats the border.
      const inner = (of: Picture): Picture => crop(of, 2, 2, w - 4, h - 4);
      assert.ok(difference(inner(warped), inner(whole)) <= 1, `${factor}`);
    }
  }
});

test('a large picture is shrunk on the way, to nearly the same values', () => {
  const smooth = resizeBilinear(noise(8, 8, 3), 640, 640);
  const small = warp(smooth, { a: 0.05, b: 0, tx: 0, ty: 0 }, 32, 32);
  const inner = (of: Picture): Picture => crop(of, 2, 2, 28, 28);
  assert.ok(difference(inner(small), inner(resizeBilinear(smooth, 32, 32))) <= 3);
});

test('beyond the picture its border goes on, or it is black', () => {
  const white: Picture = { width: 4, height: 4, channels: 1, data: new Uint8Array(16).fill(255) };
  const away = { ...identity, tx: 6, ty: 0 };
  assert.deepEqual([...new Set(warp(white, away, 12, 4).data)], [255]);
  assert.deepEqual([...warp(white, away, 12, 1, 'black').data], [0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0]);
});

test('a turned picture is what the warp gives, and leads back', () => {
  const picture = noise(9, 6, 3);
  for (const degrees of [90, 180, 270, 45]) {
    const { picture: output, back } = rotated(picture, degrees);
    const middle = transformed(back, { x: output.width / 2, y: output.height / 2 });
    assert.ok(Math.hypot(middle.x - 4.5, middle.y - 3) < 1e-9);
    if (degrees === 45) continue;
    const forth = turn(degrees, { x: 4.5, y: 3 }, { x: output.width / 2, y: output.height / 2 });
    assert.equal(difference(output, warp(picture, forth, output.width, output.height, 'black')), 0, `${degrees}`);
  }
});

/** The template's own places, as a face in a picture. */
const templateFace: Keypoints = {
  rightEye: { x: 0.314, y: 0.399 },
  leftEye: { x: 0.686, y: 0.399 },
  noseTip: { x: 0.5, y: 0.6 },
  mouth: { x: 0.5, y: 0.767 },
  rightEar: { x: 0.1, y: 0.5 },
  leftEar: { x: 0.9, y: 0.5 },
};

test('a face that has the shape of the template lands on it, however it is turned', () => {
  const angle = fc.double({ min: -180, max: 180, noNaN: true });
  fc.assert(
    fc.property(angle, fc.double({ min: 5, max: 500, noNaN: true }), (degrees, size) => {
      const moved = turn(degrees, { x: 0, y: 0 }, { x: 30, y: 40 });
      const scaled = { a: moved.a * size, b: moved.b * size, tx: moved.tx, ty: moved.ty };
      const entries = Object.entries(templateFace).map(([name, p]) => [name, transformed(scaled, p)] as const);
      const keypoints = { ...templateFace, ...Object.fromEntries(entries) };
      const transform = cropTransform(keypoints, ferPlusCrop, 48);
      for (const [name, point] of Object.entries(ferPlusCrop.points)) {
        const { x, y } = transformed(transform, keypoints[name as keyof Keypoints]);
        assert.ok(Math.abs(x - point[0] * 48) < 1e-6 && Math.abs(y - point[1] * 48) < 1e-6);
      }
      const [first, , third] = cropCorners(keypoints, ferPlusCrop);
      assert.ok(Math.abs(Math.hypot(third.x - first.x, third.y - first.y) - size * Math.SQRT2) < 1e-6 * size);
    }),
  );
});

test('a crop shows the face where the template says', () => {
  const data = new Uint8Array(200 * 200);
  // A bright block of 5 pixels about the left eye of an upright face.
  for (let y = 78; y < 83; y++) data.fill(255, y * 200 + 118, y * 200 + 123);
  const down = (y: number): number => 80.5 + (y - 0.399) * 150;
  const keypoints: Keypoints = {
    rightEye: { x: 120.5 - 0.372 * 150, y: 80.5 },
    leftEye: { x: 120.5, y: 80.5 },
    noseTip: { x: 120.5 - 0.186 * 150, y: down(0.6) },
    mouth: { x: 120.5 - 0.186 * 150, y: down(0.767) },
    rightEar: { x: 0, y: 0 },
    leftEar: { x: 0, y: 0 },
  };
  const aligned = alignFace({ width: 200, height: 200, channels: 1, data }, keypoints, ferPlusCrop, 48);
  const brightest = aligned.data.indexOf(Math.max(...aligned.data));
  assert.equal(brightest % 48, Math.floor(0.686 * 48));
  assert.equal(Math.floor(brightest / 48), Math.floor(0.399 * 48));
});

test('a template comes from the weights, else from the kind of network', () => {
  const gray = { imageSize: 48, channels: 1, mean: [0.5], std: [0.25] } as const;
  const own = { name: 'own', points: { rightEye: [0.2, 0.3], leftEye: [0.8, 0.3] } } as const;
  assert.equal(cropTemplateFor(gray), ferPlusCrop);
  assert.equal(cropTemplateFor({ ...gray, channels: 3 }), rafDbCrop);
  assert.equal(cropTemplateFor({ ...gray, crop: own }), own);
});
