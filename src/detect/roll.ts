import type { Face } from './face.js';

/** How far a face is turned in the picture, clockwise, in radians from -pi to pi. */
export function roll({ keypoints: { rightEye, leftEye } }: Pick<Face, 'keypoints'>): number {
  return Math.atan2(leftEye.y - rightEye.y, leftEye.x - rightEye.x);
}

/** In radians: 50 degrees. */
const mostRoll = 0.87;

/** Whether a face is turned too far for one that stands or leans: it lies, or its picture does. */
export const lies = (face: Pick<Face, 'keypoints'>): boolean => Math.abs(roll(face)) > mostRoll;
