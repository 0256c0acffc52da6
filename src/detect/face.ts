import type { KeypointName } from '../common/preprocessing.js';
import type { Point } from '../image/similarity.js';

export type { Point };

/** Top left corner and size, in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where the parts of a face are; right and left are the person's. */
export type Keypoints = Readonly<Record<KeypointName, Point>>;

/** A face that was found, in pixels of the picture. Box and points may lie outside of it where the face is cut off. */
export interface Face {
  /** From the brow to the chin, about square. */
  readonly box: Box;
  /** How sure the detector is, in [0, 1]. */
  readonly score: number;
  readonly keypoints: Keypoints;
}
