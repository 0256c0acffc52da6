import { UserError } from '../../common/errors.js';
import type { CropTemplate } from '../../common/preprocessing.js';
import { alignFace } from '../../detect/index.js';
import { largestFace } from '../../learn/largest-face.js';
import type { Recognition } from '../../recognize/index.js';
import { imageDataOf } from '../decode/pixels.js';

export interface FaceShotOptions {
  /** Width and height in pixels of what is cut out of `picture` (default 112); learning resizes to what its network takes. */
  readonly size?: number;
}

/**
 * The largest face of a picture as learning takes it: cut out and turned upright, in colour, as a PNG file.
 *
 *     const recognition = await recognizer.recognize(video, { portraits: 112 });
 *     const shot = await faceShot(recognition, recognizer.template);
 *
 * @param recognition with its portraits, which were cut out where the networks are; or with its picture, of which the face is cut out here
 * @param template where the weights to begin with have eyes and mouth
 * @returns undefined where the picture has no face
 * @throws UserError (kind `usage`) for a recognition without either
 */
export async function faceShot(
  { faces, picture }: Recognition,
  template: CropTemplate,
  { size = 112 }: FaceShotOptions = {},
): Promise<Blob | undefined> {
  const { keypoints = null, portrait } = largestFace(faces) ?? {};
  if (keypoints === null) return undefined;
  const shot = portrait ?? (picture && alignFace(picture, keypoints, template, size));
  if (shot === undefined) {
    throw new UserError(
      'This recognition has no picture to cut a face from; recognize with { portraits: 112 }.',
      'usage',
    );
  }
  const canvas = new OffscreenCanvas(shot.width, shot.height);
  const context = canvas.getContext('2d');
  if (context === null) {
    throw new UserError('This browser gives no canvas to draw on; close other tabs, then try again.', 'resources');
  }
  context.putImageData(imageDataOf(shot), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}
