import type { Box, Keypoints } from '../detect/index.js';
import type { Picture } from '../image/resize.js';
import type { Score } from './scores.js';

/** A face of a picture and what it shows. Places are pixels of the upright picture. */
export interface RecognizedFace {
  /** From the brow to the chin; the whole picture where it is a face crop (`aligned`). It may reach beyond the picture. */
  readonly box: Box;
  /** Null for face crops. */
  readonly keypoints: Keypoints | null;
  /** How sure the detector is, in [0, 1]; null for face crops. */
  readonly detectionScore: number | null;
  /** The most probable label. */
  readonly expression: string;
  /** That label's, in [0, 1]. */
  readonly probability: number;
  /** All labels, the most probable first. */
  readonly scores: readonly Score[];
  /** Whether the crop's contrast is low: a face that is dark, washed out or in fog, which is read less surely. */
  readonly lowContrast: boolean;
  /** What the network saw: S x S pixels, RGB or gray. Where it was asked for. */
  readonly crop?: Picture;
  /** The same cut out of the picture in its own colours, at the size that was asked for. None of a picture that is a face crop. */
  readonly portrait?: Picture;
}

/** What a picture shows. */
export interface Recognition {
  /** Of the upright picture, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames or pages that the file has; the first is the one that was looked at. */
  readonly frames: number;
  /** The surest first; empty where none was found. */
  readonly faces: readonly RecognizedFace[];
  /** The decoded picture, upright. Where it was asked for. */
  readonly picture?: Picture;
}
