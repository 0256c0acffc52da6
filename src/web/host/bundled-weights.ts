// Bundlers that know files by `new URL(..., import.meta.url)`, such as Vite and webpack, take these along. From a bundle of other
// bundlers they lead to `/weights/` of its server, where it lies at most four folders deep.

import type { FileSource } from '../../common/file-source.js';
import type { ProgressOptions } from '../../common/load-progress.js';
import { detectorDigest, expressionDigest } from './bundled-digests.js';
import { packageFile } from './package-file.js';
import { readBytes } from './read-bytes.js';

/**
 * The weights that come with the package: `poster-v2-nano`, trained on FER+.
 * @throws UserError where they cannot be reached.
 */
export function bundledCheckpoint(options?: ProgressOptions): Promise<Uint8Array<ArrayBuffer>> {
  const address = new URL('../../../../weights/poster-v2-nano.safetensors', import.meta.url);
  const named = { what: "The expression network's weights", option: 'checkpoint' };
  return packageFile({ ...expressionDigest, ...named, address }, options);
}

/**
 * The bytes of the face detector's weights.
 * @param source default: those that come with the package
 * @throws UserError where they cannot be reached.
 */
export function readDetectorWeights(
  source?: FileSource,
  options: ProgressOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const named = { what: "The face detector's weights", option: 'detectorWeights' };
  if (source !== undefined) return readBytes(source, named.what, options);
  const address = new URL('../../../../weights/face-detector.onnx', import.meta.url);
  return packageFile({ ...detectorDigest, ...named, address }, options);
}
