import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import {
  type Box,
  centreOf,
  checkDetectOptions,
  type DetectOptions,
  type Face,
  type FaceDetector,
  type Point,
  roll,
  type Similarity,
  transformed,
} from '../detect/index.js';
import type { ImageSource } from '../image/image-source.js';
import type { Picture } from '../image/resize.js';
import { inverse } from '../image/similarity.js';
import { warp } from '../image/warp.js';
import { decodeSource } from './decode-source.js';
import type { LandmarkDetector } from './landmarks.js';

/** The square around a face that the landmark detector sees. */
export interface LandmarkCrop {
  /** Its side, in sides of the face's box, which reaches from the brow to the chin. */
  readonly size: number;
  /** How far its middle lies below that of the box, towards the chin, in sides of the box. */
  readonly down: number;
  /** Whether it is turned with the face, so that the eyes lie level in it. */
  readonly turned: boolean;
}

/** Measured by `bench/landmarks.ts`; `docs/published-recipes.md` has the figures. */
export const landmarkCrop: LandmarkCrop = { size: 1.2, down: -0.05, turned: true };

/**
 * The transform from a photo's pixels to those of the crop that the landmark detector sees.
 * @param side of the crop, in pixels
 */
export function landmarkTransform(face: Face, side: number, crop: LandmarkCrop = landmarkCrop): Similarity {
  const { width, height } = face.box;
  const boxSide = (width + height) / 2;
  const angle = crop.turned ? roll(face) : 0;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const centre = centreOf(face);
  const middle = { x: centre.x - sin * crop.down * boxSide, y: centre.y + cos * crop.down * boxSide };
  const scale = side / (crop.size * boxSide);
  const [a, b] = [scale * cos, -scale * sin];
  return {
    a,
    b,
    tx: side / 2 - (a * middle.x - b * middle.y),
    ty: side / 2 - (b * middle.x + a * middle.y),
  };
}

/** A face with its landmarks. */
export interface FaceLandmarks {
  /** From the brow to the chin, in pixels of the upright picture; the whole picture where it is a face crop. */
  readonly box: Box;
  /** How sure the face detector is, in [0, 1]; null for face crops. */
  readonly detectionScore: number | null;
  /**
   * 68, in pixels of the upright picture, in the order of iBUG 300-W: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47,
   * mouth 48-67. They may lie beyond its border.
   */
  readonly points: readonly Point[];
}

/** A picture with the landmarks of its faces. */
export interface PictureLandmarks {
  /** Upright, RGB or gray. */
  readonly picture: Picture;
  /** The surest face first; none is an empty list. */
  readonly faces: readonly FaceLandmarks[];
}

/**
 * The landmarks of faces that were found before.
 * @param picture upright, RGB or gray
 * @param crop the square that the landmark detector sees; default: `landmarkCrop`
 * @throws the signal's reason, between two faces
 */
export async function landmarksOfFaces(
  landmarks: LandmarkDetector,
  picture: Picture,
  faces: readonly Face[],
  crop: LandmarkCrop = landmarkCrop,
  signal?: AbortSignal,
): Promise<FaceLandmarks[]> {
  const located: FaceLandmarks[] = [];
  for (const face of faces) {
    signal?.throwIfAborted();
    const toCrop = landmarkTransform(face, landmarks.imageSize, crop);
    const back = inverse(toCrop);
    const points = await landmarks.locate(warp(picture, toCrop, landmarks.imageSize, landmarks.imageSize));
    located.push({
      box: face.box,
      detectionScore: face.score,
      points: points.map((point) => transformed(back, point)),
    });
  }
  return located;
}

/**
 * Finds the faces of a photo and the landmarks of each.
 * @param source bytes of a picture file, where it is, or pixels
 * @throws UserError that says what is wrong with the photo; (kind `usage`) for what are no detectors, or options that cannot be; the
 * signal's reason, between two steps
 */
export async function detectLandmarks(
  landmarks: LandmarkDetector,
  detector: FaceDetector,
  source: ImageSource,
  options: DetectOptions = {},
): Promise<PictureLandmarks> {
  checkDetectors(landmarks, detector);
  checkDetectOptions(options);
  const { signal } = options;
  signal?.throwIfAborted();
  const { picture } = await decodeSource(source, {
    transparency: 'white',
    name: 'The picture',
    ...defined({ signal }),
  });
  const faces = await detector.detect(picture, options);
  return { picture, faces: await landmarksOfFaces(landmarks, picture, faces, landmarkCrop, signal) };
}

/** Programs without types may pass anything. @throws UserError (kind `usage`) */
function checkDetectors(landmarks: unknown, detector: unknown): void {
  const has = (value: unknown, name: string): boolean => typeof value === 'object' && value !== null && name in value;
  if (has(landmarks, 'locate') && has(detector, 'detect')) return;
  throw new UserError(
    'detectLandmarks needs a landmark detector (loadLandmarkDetector), then a face detector (loadFaceDetector), then the picture.',
    'usage',
  );
}

/**
 * The landmarks of the one face of a picture that already is a face crop.
 * @param source bytes of a picture file, where it is, or pixels
 * @throws UserError that says what is wrong with the picture.
 */
export async function landmarksOfCrop(landmarks: LandmarkDetector, source: ImageSource): Promise<PictureLandmarks> {
  const { picture } = await decodeSource(source, { transparency: 'drop', name: 'The picture' });
  const box = { x: 0, y: 0, width: picture.width, height: picture.height };
  return { picture, faces: [{ box, detectionScore: null, points: await landmarks.locate(picture) }] };
}
