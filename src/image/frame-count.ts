import { readPictureHeader } from './picture-header.js';

/**
 * Frames of an animation, or pages of a file (GIF, WebP, APNG, AVIF, TIFF): 1 for a plain picture, undefined for what is no
 * readable picture. Counting ends above `maxFrames`, so that a hostile file takes no longer.
 * @param bytes a whole file
 */
export function frameCount(bytes: Uint8Array): number | undefined {
  const found = readPictureHeader(bytes);
  return found.kind === 'picture' ? found.header.frames : undefined;
}
