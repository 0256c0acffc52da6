import { messageOf, UserError } from '../common/errors.js';
import { programUrl } from '../node/files/program-url.js';

const weightsFile = '@mediapipe/face_detection/face_detection_full_range.tflite';

/**
 * The bytes of the detector's weights, from the package that brings them. Node only.
 * @throws UserError where it is not installed.
 */
export async function readDetectorWeights(): Promise<Uint8Array> {
  try {
    // Within the function: in a browser's bundle, where it is never called, imports at the top would be loaded all the same.
    const { readFile } = await import('node:fs/promises');
    const { createRequire } = await import('node:module');
    return new Uint8Array(await readFile(createRequire(programUrl()).resolve(weightsFile)));
  } catch (error) {
    throw new UserError(
      `The face detector's weights are missing (${messageOf(error).split('\n', 1)[0]}); run npm install again, and leave @mediapipe/face_detection installed beside a bundle.`,
      undefined,
      { cause: error },
    );
  }
}
