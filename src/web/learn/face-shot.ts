import { UserError } from '../../common/errors.js';
import type { CropTemplate } from '../../common/preprocessing.js';
import { alignFace } from '../../detect/index.js';
import { largestFace } from '../../learn/largest-face.js';
import type { Recognition } from '../../recognize/index.js';
import { imageDataOf } from '../decode/pixels.js';

export interface FaceShotOptions {
  /** Width and height in pixels (default 112); learning resizes to what its network takes. */
  readonly size?: number;
}

/**
 * The largest face of a picture as learning takes it: cut out and turned upright, in colour, as a PNG file.
 *
 *     const recognition = await recognizer.recognize(video, { picture: true });
 *     const shot = await faceShot(recognition, cropTemplateFor(recognizer.classifier.preprocessing));
 *
 * @param recognition with its picture
 * @param template where the weights to begin with have eyes and mouth
 * @returns undefined where the picture has no face
 * @throws UserError (kind `usage`) for a recognition without its picture
 */
export async function faceShot(
  { faces, picture }: Recognition,
  template: CropTemplate,
  { size = 112 }: FaceShotOptions = {},
): Promise<Blob | undefined> {
  if (picture === undefined) {
    throw new UserError(
      'This recognition has no picture to cut a face from; recognize with { picture: true }.',
      'usage',
    );
  }
  const keypoints = largestFace(faces)?.keypoints ?? null;
  if (keypoints === null) return undefined;
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext('2d');
  if (context === null) {
    throw new UserError('This browser gives no canvas to draw on; close other tabs, then try again.', 'resources');
  }
  context.putImageData(imageDataOf(alignFace(picture, keypoints, template, size)), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}
