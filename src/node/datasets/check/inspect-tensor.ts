import { createHash } from 'node:crypto';
import { UserError } from '../../../common/errors.js';
import { npyShape, readNpyInto } from '../../decode/npy-array.js';
import type { Inspected } from './inspect.js';

/** Of a side: larger ones are no crops that a network takes. */
const longestSide = 4096;

/**
 * Reads a picture that was prepared as a tensor, [C, S, S] of float32, as training does. Its values are normalised, so that
 * nothing is said of what it shows.
 * @throws UserError where training could not use it.
 */
export async function inspectTensor(path: string): Promise<Inspected> {
  const shape = await npyShape(path);
  const [channels = 0, height = 0, width = 0] = shape;
  if (shape.length !== 3 || (channels !== 1 && channels !== 3) || height !== width || !(height <= longestSide)) {
    throw new UserError(
      `${path} has the shape (${shape.join(', ')}), which is none of a prepared picture, (1 or 3, side, side); prepare it again, or leave it out.`,
    );
  }
  const values = new Float32Array(channels * height * width);
  await readNpyInto(path, shape, values);
  const hash = createHash('sha256').update(new Uint8Array(values.buffer)).digest('base64');
  return { hash, width, height, gray: channels === 1, fingerprint: undefined };
}
