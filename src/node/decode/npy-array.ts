import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { withFile } from '../files/files.js';
import { parseNpyHeader } from '../files/npy-header.js';

/** A header longer than this is none that anybody writes. */
const longestHeader = 4096;

const refusal =
  (path: string) =>
  (why: string): UserError =>
    new UserError(`${path} ${why}; write it again or leave it out.`);

/** The shape that a NumPy file says it has. @throws UserError where it is missing, or no NumPy file */
export async function npyShape(path: string): Promise<readonly number[]> {
  return withFile(
    path,
    async (file) => parseNpyHeader(await file.read(0, Math.min(file.size, longestHeader)), refusal(path)).shape,
  );
}

/**
 * Reads a NumPy file of float32 values into `target`.
 * @param shape the file must have, in C order
 * @throws UserError where it is missing, of another type or shape, or cut short. The sizes are checked first.
 */
export async function readNpyInto(path: string, shape: readonly number[], target: Float32Array): Promise<void> {
  await withFile(path, async (file) => {
    const start = await file.read(0, Math.min(file.size, longestHeader));
    const header = parseNpyHeader(start, refusal(path));
    const type = `${header.order}${header.kind}${header.size}`;
    if (type !== '<f4' || header.fortranOrder || header.shape.join() !== shape.join()) {
      const wanted = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
      throw new UserError(
        `${path} is not a float32 array of shape ${wanted} in C order (it says ${printable(header.text, 120)}); ` +
          'prepare it for this network, or leave it out.',
      );
    }
    const end = header.start;
    const bytes = target.length * 4;
    if (file.size !== end + bytes) {
      throw new UserError(
        `${path} has ${file.size - end} bytes of values and needs ${bytes}; write it again or leave it out.`,
      );
    }
    const data = await file.read(end, bytes);
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let i = 0; i < target.length; i++) target[i] = view.getFloat32(4 * i, true);
    if (!target.every(Number.isFinite)) {
      throw new UserError(`${path} holds values that are no finite numbers; write it again or leave it out.`);
    }
  });
}
