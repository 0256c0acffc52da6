import type { CropTemplate } from '../../common/preprocessing.js';
import { annotatedFaces, type FaceToDraw } from '../../draw/index.js';
import type { Picture } from '../../image/index.js';
import { annotatedPicture, type PictureFormat } from './annotated-picture.js';

/** A picture with the faces that were recognised in it, as the bytes of a file; a small one is enlarged. */
export function annotatedRecognition(
  picture: Picture,
  faces: readonly FaceToDraw[],
  template: CropTemplate,
  format: PictureFormat,
): Promise<Buffer> {
  const drawn = annotatedFaces(faces, template);
  return annotatedPicture(picture, drawn, format, { grow: true });
}
