import { messageOf, UserError } from '../common/errors.js';
import { programUrl } from '../node/files/program-url.js';

/**
 * The bytes of the detector's weights, which come with the package. Node only.
 * @throws UserError where they are not there.
 */
export async function readDetectorWeights(): Promise<Uint8Array> {
  try {
    // Within the function: in a browser's bundle, where it is never called, imports at the top would be loaded all the same.
    const { readFile } = await import('node:fs/promises');
    const { createRequire } = await import('node:module');
    const manifest = createRequire(programUrl()).resolve('poster-v2/package.json');
    return new Uint8Array(await readFile(manifest.replace(/package\.json$/, 'weights/face-detector.onnx')));
  } catch (error) {
    throw new UserError(
      `The face detector's weights are missing (${messageOf(error).split('\n', 1)[0]}); install the package poster-v2 again, and leave it installed beside a bundle.`,
      undefined,
      { cause: error },
    );
  }
}
