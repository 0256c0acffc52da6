import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { printable } from '../../common/printable.js';
import { withFile } from '../files/files.js';

/** A header longer than this is none that anybody writes. */
const longestHeader = 4096;

/**
 * Reads a NumPy file of float32 values into `target`.
 * Format: magic, version (two bytes), length of the header (two bytes, from version 2 four, little-endian), the header,
 * which is a Python dict of `descr`, `fortran_order` and `shape`, then the values.
 * @param shape the file must have, in C order
 * @throws UserError where it is missing, of another type or shape, or cut short. The sizes are checked first.
 */
export async function readNpyInto(path: string, shape: readonly number[], target: Float32Array): Promise<void> {
  await withFile(path, async (file) => {
    const start = await file.read(0, Math.min(file.size, longestHeader));
    const { text, end } = headerOf(start, path);
    const wanted = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
    const type = /'descr':\s*'([^']*)'/.exec(text)?.[1];
    const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
    const found = /'shape':\s*(\([\d,\s]*\))/.exec(text)?.[1];
    if (type !== '<f4' || order !== 'False' || found?.replace(/\s+/g, '') !== wanted.replace(/\s+/g, '')) {
      throw new UserError(
        `${path} is not a float32 array of shape ${wanted} in C order (it says ${printable(text.trim(), 120)}); ` +
          'prepare it for this network, or leave it out.',
      );
    }
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

function headerOf(bytes: Uint8Array, path: string): { readonly text: string; readonly end: number } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.length >= 12 && view.toString('latin1', 0, 6) === '\x93NUMPY';
  const long = magic && itemAt(view, 6) > 1;
  const from = long ? 12 : 10;
  const end = magic ? from + (long ? view.readUInt32LE(8) : view.readUInt16LE(8)) : 0;
  if (!magic || end > view.length) {
    throw new UserError(`${path} is not a NumPy file (.npy); write it again or leave it out.`, 'input');
  }
  return { text: view.toString('latin1', from, end), end };
}
