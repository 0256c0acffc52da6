import type { CropTemplate } from '../../common/preprocessing.js';
import { type Box, cropCorners, type Keypoints } from '../../detect/index.js';
import type { Picture } from '../../image/index.js';
import { annotatedPicture, type PictureFormat } from './annotated-picture.js';
import type { AnnotatedFace } from '../../draw/annotation.js';

/** What is drawn of a face that was recognised in a picture or in a frame of a video. */
export interface FaceToDraw {
  readonly box: Box;
  /** Null for a picture that is a face crop. */
  readonly keypoints: Keypoints | null;
  /** The most probable first. */
  readonly scores: AnnotatedFace['scores'];
  /** Shown in a corner of its box. */
  readonly name?: string;
}

/** @param template of the crops that the network sees */
export function annotatedFace({ box, keypoints, scores, name }: FaceToDraw, template: CropTemplate): AnnotatedFace {
  if (keypoints === null) return { scores };
  const place = { box, keypoints: Object.values(keypoints), crop: cropCorners(keypoints, template) };
  return { ...(name === undefined ? {} : { name }), place, scores };
}

/** A picture with the faces that were recognised in it, as the bytes of a file; a small one is enlarged. */
export function annotatedRecognition(
  picture: Picture,
  faces: readonly FaceToDraw[],
  template: CropTemplate,
  format: PictureFormat,
): Promise<Buffer> {
  const drawn = faces.map((face) => annotatedFace(face, template));
  return annotatedPicture(picture, drawn, format, { grow: true });
}
