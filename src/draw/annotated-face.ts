import type { CropTemplate } from '../common/preprocessing.js';
import { type Box, cropCorners, type Keypoints } from '../detect/index.js';
import type { Recognition } from '../recognize/index.js';
import { type AnnotatedFace, type Annotation, annotate } from './annotation.js';

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

/**
 * The faces of a picture. Where there are several, each has its number in the list.
 * @param template of the crops that the network sees
 */
export function annotatedFaces(faces: readonly FaceToDraw[], template: CropTemplate): AnnotatedFace[] {
  const numbered = faces.length > 1;
  return faces.map((face, i) => annotatedFace(numbered ? { name: String(i + 1), ...face } : face, template));
}

/** @param template of the crops that the network sees */
export function annotatedFace({ box, keypoints, scores, name }: FaceToDraw, template: CropTemplate): AnnotatedFace {
  if (keypoints === null) return { scores };
  const geometry = { box, keypoints: Object.values(keypoints), crop: cropCorners(keypoints, template) };
  return { ...(name === undefined ? {} : { name }), geometry, scores };
}

/**
 * Faces and what they show, as an SVG to be laid over their picture, and how large both are: small pictures are enlarged.
 * @param template of the crops that the network sees (`Recognizer.template`)
 */
export function annotateRecognition(
  { width, height, faces }: Pick<Recognition, 'width' | 'height' | 'faces'>,
  template: CropTemplate,
): Annotation {
  const drawn = annotatedFaces(faces, template);
  return annotate({ width, height }, drawn, { grow: true });
}
