import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { type Face, type FaceDetector, type Point, transformed } from '../detect/index.js';
import type { Picture } from '../image/index.js';
import { inverse, turn } from '../image/similarity.js';
import { detectLandmarks, landmarksOfCrop, landmarksOfFaces, landmarkTransform } from './face-landmarks.js';
import type { LandmarkDetector } from './landmarks.js';

/** A face whose eyes are level, turned about its middle by `degrees`, its box from (x, y) and `side` wide. */
function faceAt(x: number, y: number, side: number, degrees = 0): Face {
  const middle = { x: x + side / 2, y: y + side / 2 };
  const turned = turn(degrees, middle, middle);
  const at = (across: number, down: number): Point => transformed(turned, { x: x + across * side, y: y + down * side });
  const keypoints = {
    rightEye: at(0.3, 0.3),
    leftEye: at(0.7, 0.3),
    noseTip: at(0.5, 0.5),
    mouth: at(0.5, 0.7),
    rightEar: at(0.1, 0.4),
    leftEar: at(0.9, 0.4),
  };
  return { box: { x, y, width: side, height: side }, score: 0.9, keypoints };
}

const markRadius = 4;

/** A gray photo with a white disc about each point. */
function photoWith(width: number, height: number, marks: readonly Point[]): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const marked = marks.some((mark) => Math.hypot(x + 0.5 - mark.x, y + 0.5 - mark.y) < markRadius);
      data.fill(marked ? 255 : 0, 3 * (y * width + x), 3 * (y * width + x) + 3);
    }
  }
  return { width, height, channels: 3, data };
}

/** In place of the network: its one point is the middle of what is bright in the crop. */
const brightMiddle: LandmarkDetector = {
  input: 'detector',
  imageSize: 112,
  async locate({ width, height, channels, data }) {
    let [sum, sumX, sumY] = [0, 0, 0];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const value = data[channels * (y * width + x)] ?? Number.NaN;
        sum += value;
        sumX += value * (x + 0.5);
        sumY += value * (y + 0.5);
      }
    }
    return [{ x: sumX / sum, y: sumY / sum }];
  },
  dispose: async () => undefined,
};

/** Finds these faces in every picture. */
const finds = (...faces: readonly Face[]): FaceDetector => ({
  detect: async () => [...faces],
  follow: async () => [],
  dispose: async () => undefined,
});

function near(found: Point | undefined, expected: Point, tolerance: number): void {
  assert.ok(found);
  const off = Math.hypot(found.x - expected.x, found.y - expected.y);
  assert.ok(off < tolerance, `(${found.x}, ${found.y}) is ${off} pixels from (${expected.x}, ${expected.y})`);
}

test("the crop's corners lie where its size, shift and turn put them", () => {
  const face = faceAt(100, 50, 60);
  const upright = inverse(landmarkTransform(face, 112, { size: 1.5, down: 0.1, turned: true }));
  near(transformed(upright, { x: 0, y: 0 }), { x: 85, y: 41 }, 1e-9);
  near(transformed(upright, { x: 112, y: 112 }), { x: 175, y: 131 }, 1e-9);
  const lying = faceAt(100, 50, 60, 90);
  const turned = inverse(landmarkTransform(lying, 112, { size: 1.5, down: 0.1, turned: true }));
  // Clockwise: the top of the face looks to the right, its chin to the left.
  near(transformed(turned, { x: 0, y: 0 }), { x: 169, y: 35 }, 1e-9);
  const kept = inverse(landmarkTransform(lying, 112, { size: 1.5, down: 0, turned: false }));
  near(transformed(kept, { x: 0, y: 0 }), { x: 85, y: 35 }, 1e-9);
});

test('a point found in the crop is the point of the photo that shows there', async () => {
  const mark = { x: 131, y: 82 };
  const photo = photoWith(240, 200, [mark]);
  for (const degrees of [0, 20, -75, 180]) {
    const [located] = await landmarksOfFaces(brightMiddle, photo, [faceAt(90, 50, 80, degrees)]);
    near(located?.points[0], mark, 0.1);
  }
});

test('of faces at the border, whose crops reach beyond it, too', async () => {
  const marks = [
    { x: 12, y: 14 },
    { x: 228, y: 186 },
  ] as const;
  const photo = photoWith(240, 200, marks);
  const faces = [faceAt(-10, -8, 50), faceAt(200, 160, 60, 30)];
  const located = await landmarksOfFaces(brightMiddle, photo, faces);
  assert.deepEqual(
    located.map(({ box }) => box),
    faces.map(({ box }) => box),
  );
  for (const [i, mark] of marks.entries()) near(located[i]?.points[0], mark, 0.1);
});

test('of large faces, whose crops are shrunk, to a part of the pixels of the crop', async () => {
  const mark = { x: 700, y: 900 };
  const photo = photoWith(1600, 1500, []);
  const side = 40;
  for (let y = mark.y - side; y < mark.y + side; y++) {
    photo.data.fill(255, 3 * (y * 1600 + mark.x - side), 3 * (y * 1600 + mark.x + side));
  }
  const [located] = await landmarksOfFaces(brightMiddle, photo, [faceAt(300, 250, 1000, 10)]);
  near(located?.points[0], mark, 0.1 * (1000 / 112));
});

test('a photo that EXIF turns gives points of the upright one', async () => {
  const mark = { x: 61, y: 90 };
  const { data, ...raw } = photoWith(150, 200, [mark]);
  const upright = await sharp(data, { raw }).png().toBuffer();
  // Stored lying: orientation 6 turns it clockwise.
  const stored = await sharp(data, { raw }).rotate(270).png().withMetadata({ orientation: 6 }).toBuffer();
  const detector = finds(faceAt(30, 60, 80));
  for (const bytes of [upright, stored]) {
    const { picture, faces } = await detectLandmarks(brightMiddle, detector, bytes);
    assert.deepEqual([picture.width, picture.height], [150, 200]);
    near(faces[0]?.points[0], mark, 0.1);
  }
});

test('a signal stops it before a picture is read, and between two faces', async () => {
  const { data, ...size } = photoWith(300, 150, [{ x: 200, y: 50 }]);
  const photo = { ...size, data };
  const early = AbortSignal.abort(new Error('never mind'));
  const unread = finds();
  unread.detect = () => assert.fail('the picture was searched');
  await assert.rejects(detectLandmarks(brightMiddle, unread, photo, { signal: early }), /^Error: never mind/);
  const stop = new AbortController();
  let located = 0;
  const stopping: LandmarkDetector = {
    ...brightMiddle,
    async locate(crop) {
      located++;
      stop.abort(new Error('enough'));
      return brightMiddle.locate(crop);
    },
  };
  const three = finds(faceAt(0, 0, 50), faceAt(60, 0, 50), faceAt(120, 0, 50));
  await assert.rejects(detectLandmarks(stopping, three, photo, { signal: stop.signal }), /^Error: enough/);
  assert.equal(located, 1);
});

test('no face is an empty list; a face crop is one face, in its own pixels', async () => {
  const { data, ...raw } = photoWith(300, 150, [{ x: 200, y: 50 }]);
  const bytes = await sharp(data, { raw }).png().toBuffer();
  assert.deepEqual((await detectLandmarks(brightMiddle, finds(), bytes)).faces, []);
  const { faces } = await landmarksOfCrop(brightMiddle, bytes);
  assert.deepEqual([faces.length, faces[0]?.detectionScore], [1, null]);
  assert.deepEqual(faces[0]?.box, { x: 0, y: 0, width: 300, height: 150 });
  near(faces[0]?.points[0], { x: 200, y: 50 }, 0.1);
});
