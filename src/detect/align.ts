import { type CropTemplate, keypointNames } from '../common/preprocessing.js';
import type { Picture } from '../image/resize.js';
import { estimateSimilarity, inverse, type Similarity, transformed } from '../image/similarity.js';
import { warp } from '../image/warp.js';
import type { Keypoints, Point } from './face.js';

/**
 * The transform from a picture's pixels to those of a square crop of `size` that brings the face's points nearest to where
 * the template has them.
 * @throws RangeError where the face's points are all one.
 */
export function cropTransform(keypoints: Keypoints, template: CropTemplate, size: number): Similarity {
  const from: Point[] = [];
  const to: Point[] = [];
  for (const name of keypointNames) {
    const place = template.points[name];
    if (place === undefined) continue;
    from.push(keypoints[name]);
    to.push({ x: place[0] * size, y: place[1] * size });
  }
  return estimateSimilarity(from, to);
}

/** The crop of a face as a network was trained on: `size` x `size` pixels, channels as the picture's. */
export function alignFace(picture: Picture, keypoints: Keypoints, template: CropTemplate, size: number): Picture {
  return warp(picture, cropTransform(keypoints, template, size), size, size);
}

/** The corners of that crop in the picture, clockwise from its top left one; for drawing. */
export function cropCorners(keypoints: Keypoints, template: CropTemplate): readonly [Point, Point, Point, Point] {
  const back = inverse(cropTransform(keypoints, template, 1));
  const corner = (x: number, y: number): Point => transformed(back, { x, y });
  return [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1)];
}
