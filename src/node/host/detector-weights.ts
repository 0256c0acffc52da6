import { readFile } from 'node:fs/promises';
import { messageOf, UserError } from '../../common/errors.js';
import type { FileSource } from '../../common/file-source.js';
import { packageFile } from '../files/package-files.js';
import { readBytes } from './read-bytes.js';

/**
 * The bytes of the detector's weights.
 * @param source default: those that come with the package
 * @throws UserError where they are not there.
 */
export async function readDetectorWeights(source?: FileSource): Promise<Uint8Array> {
  if (source !== undefined) return readBytes(source, "The face detector's weights");
  try {
    return new Uint8Array(await readFile(packageFile('weights/face-detector.onnx')));
  } catch (error) {
    throw new UserError(
      `The face detector's weights are missing (${messageOf(error).split('\n', 1)[0]}); install the package poster-v2 again, and leave it installed beside a bundle.`,
      undefined,
      { cause: error },
    );
  }
}
