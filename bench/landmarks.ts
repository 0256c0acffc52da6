/*
 * Which square around a face the published landmark detector should see:
 *   npm run build && node dist/bench/landmarks.js mobilefacenet_model_best.pth.tar [PHOTO...]
 * Eyes, nose tip and mouth among the 68 points are compared with the face detector's own points, in distances between the eyes, over
 * sizes and shifts of the square, upright or turned with the face, and over turns of the photo. Default photo: the sample portrait.
 */

import { type Face, loadFaceDetector, type Point } from '../src/detect/index.js';
import type { Picture } from '../src/image/index.js';
import { turn } from '../src/image/similarity.js';
import { warp } from '../src/image/warp.js';
import { decodePicture } from '../src/node/decode/index.js';
import { type LandmarkCrop, landmarkCrop, landmarksOfFaces, loadLandmarkDetector } from '../src/recognize/index.js';
import { portrait } from './sample-media.js';
import { median } from './turns.js';

const [checkpoint, ...given] = process.argv.slice(2);
if (checkpoint === undefined) {
  console.error('Name the weights: node dist/bench/landmarks.js mobilefacenet_model_best.pth.tar');
  process.exit(2);
}
const landmarks = await loadLandmarkDetector(checkpoint);
const detector = await loadFaceDetector();

interface Subject {
  readonly picture: Picture;
  readonly faces: readonly Face[];
}

/** A picture turned about its middle, in degrees. */
function turnedBy(picture: Picture, degrees: number): Picture {
  const middle = { x: picture.width / 2, y: picture.height / 2 };
  return warp(picture, turn(degrees, middle, middle), picture.width, picture.height);
}

async function subjects(degrees: number): Promise<Subject[]> {
  const all: Subject[] = [];
  for (const path of given.length > 0 ? given : [portrait]) {
    const picture = turnedBy(await decodePicture(path), degrees);
    all.push({ picture, faces: await detector.detect(picture) });
  }
  return all;
}

const middleOf = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});
const distance = (p: Point, q: Point): number => Math.hypot(p.x - q.x, p.y - q.y);

/** Mean error of eyes, nose tip and mouth, in distances between the eyes. */
function errorOf({ keypoints }: Face, points: readonly Point[]): number {
  const { rightEye, leftEye, noseTip, mouth } = keypoints;
  const corners = points.filter((_, i) => i === 48 || i === 54);
  const pairs: readonly (readonly [Point, Point])[] = [
    [rightEye, middleOf(points.slice(36, 42))],
    [leftEye, middleOf(points.slice(42, 48))],
    [noseTip, middleOf(points.slice(30, 31))],
    [mouth, middleOf(corners)],
  ];
  const sum = pairs.reduce((total, [expected, found]) => total + distance(expected, found), 0);
  return sum / pairs.length / distance(rightEye, leftEye);
}

async function errors(list: readonly Subject[], crop: LandmarkCrop): Promise<number[]> {
  const all: number[] = [];
  for (const { picture, faces } of list) {
    const located = await landmarksOfFaces(landmarks, picture, faces, crop);
    for (const [i, face] of faces.entries()) all.push(errorOf(face, located[i]?.points ?? []));
  }
  return all;
}

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const summary = (values: readonly number[]): string =>
  [median(values), mean(values)].map((value) => (100 * value).toFixed(1)).join(' / ');

const upright = await subjects(0);
console.log(
  `${upright.flatMap(({ faces }) => faces).length} faces; median / mean over faces, in percent of the distance between the eyes`,
);
const downs = [-0.1, -0.05, 0, 0.05, 0.1];
console.log(row(['size', ...downs.map((down) => `down ${down}`)]));
for (const size of [0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5]) {
  const cells: string[] = [];
  for (const down of downs) cells.push(summary(await errors(upright, { ...landmarkCrop, size, down })));
  console.log(row([size, ...cells]));
}
console.log(`\nThe photo turned, with size ${landmarkCrop.size} and down ${landmarkCrop.down}`);
console.log(row(['degrees', 'faces', 'upright square', 'turned with the face']));
for (const degrees of [-90, -30, -15, 0, 15, 30, 90]) {
  const list = await subjects(degrees);
  const cells: string[] = [];
  for (const turned of [false, true]) cells.push(summary(await errors(list, { ...landmarkCrop, turned })));
  console.log(row([degrees, list.flatMap(({ faces }) => faces).length, ...cells]));
}
await landmarks.dispose();
await detector.dispose();
