import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ferPlusCrop } from '../common/crop-templates.js';
import { annotatedFaces, type FaceToDraw } from './annotated-face.js';
import { annotate } from './annotation.js';

const faceAt = (x: number): FaceToDraw => ({
  box: { x, y: 40, width: 60, height: 60 },
  keypoints: {
    rightEye: { x: x + 15, y: 60 },
    leftEye: { x: x + 45, y: 60 },
    noseTip: { x: x + 30, y: 72 },
    mouth: { x: x + 30, y: 85 },
    rightEar: { x, y: 65 },
    leftEar: { x: x + 60, y: 65 },
  },
  scores: [{ label: 'happiness', probability: 1 }],
});

test('several faces have their numbers in the list, unless they have names; one alone has none', () => {
  const names = (...faces: FaceToDraw[]): unknown[] => annotatedFaces(faces, ferPlusCrop).map(({ name }) => name);
  assert.deepEqual(names(faceAt(10)), [undefined]);
  assert.deepEqual(names(faceAt(10), { ...faceAt(100), name: '17' }, faceAt(200)), ['1', '17', '3']);
});

test('the number of a small face ends above its eyes', () => {
  for (const size of [320, 1280]) {
    const faces = annotatedFaces([faceAt(10), faceAt(100)], ferPlusCrop);
    const { svg, width } = annotate({ width: size, height: size }, faces, { grow: true });
    const [, y, height] =
      /<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)" rx="[\d.]+" fill="#\w+"\/>/.exec(svg) ?? [];
    const eyes = (60 * width) / size;
    assert.ok(
      Number(y) >= (39 * width) / size && Number(y) + Number(height) < eyes,
      `${y} and ${height} above ${eyes}`,
    );
  }
});

test('a line shows a probability as 0 or 100% only where it is that', () => {
  const texts = [0.996, 1, 0.5, 0.001].map((probability) => {
    const faces = [10, 100, 190].map((x) => ({ ...faceAt(x), scores: [{ label: 'happiness', probability }] }));
    const { svg } = annotate({ width: 320, height: 120 }, annotatedFaces(faces, ferPlusCrop));
    return /happiness ([^<]*)</.exec(svg)?.[1];
  });
  assert.deepEqual(texts, ['&#62;99%', '100%', '50%', '&#60;1%']);
});
