import { UserError } from '../common/errors.js';
import { type CropTemplate, keypointNames } from '../common/preprocessing.js';
import { maxPixels } from '../image/picture-limits.js';
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
    const target = template.points[name];
    if (target === undefined) continue;
    from.push(keypoints[name]);
    to.push({ x: target[0] * size, y: target[1] * size });
  }
  return estimateSimilarity(from, to);
}

/** In pixels: as many as a picture may have. */
const largestCrop = Math.floor(Math.sqrt(maxPixels));

/**
 * The crop of a face as a network was trained on: `size` x `size` pixels, channels as the picture's.
 * @param size a whole number from 1 to 8000
 * @throws UserError (kind `usage`) for another size; RangeError where the face's points are all one, or no numbers
 */
export function alignFace(picture: Picture, keypoints: Keypoints, template: CropTemplate, size: number): Picture {
  if (!(Number.isSafeInteger(size) && size >= 1 && size <= largestCrop)) {
    throw new UserError(
      `A face cannot be cut out ${size} pixels wide; give a whole number from 1 to ${largestCrop}.`,
      'usage',
    );
  }
  return warp(picture, cropTransform(keypoints, template, size), size, size);
}

/** The corners of that crop in the picture, clockwise from its top left one; for drawing. */
export function cropCorners(keypoints: Keypoints, template: CropTemplate): readonly [Point, Point, Point, Point] {
  const back = inverse(cropTransform(keypoints, template, 1));
  const corner = (x: number, y: number): Point => transformed(back, { x, y });
  return [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1)];
}
