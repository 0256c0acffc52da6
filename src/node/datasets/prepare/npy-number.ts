import { UserError } from '../../../common/errors.js';
import { printable } from '../../../common/printable.js';
import { withFile } from '../../files/files.js';
import { parseNpyHeader } from '../../files/npy-header.js';

/** A file with one number has less than 200 bytes; more than this is something else. */
const mostBytes = 65_536;

type Reader = (view: DataView, little: boolean) => number;

const numbers: Readonly<Record<string, Reader>> = {
  i1: (view) => view.getInt8(0),
  i2: (view, little) => view.getInt16(0, little),
  i4: (view, little) => view.getInt32(0, little),
  i8: (view, little) => Number(view.getBigInt64(0, little)),
  u1: (view) => view.getUint8(0),
  u2: (view, little) => view.getUint16(0, little),
  u4: (view, little) => view.getUint32(0, little),
  u8: (view, little) => Number(view.getBigUint64(0, little)),
  f4: (view, little) => view.getFloat32(0, little),
  f8: (view, little) => view.getFloat64(0, little),
};

/** Text of fixed length: four bytes a character (U) or one (S), filled up with zeros. */
function textOf(view: DataView, unit: 1 | 4, little: boolean): string {
  let text = '';
  for (let at = 0; at < view.byteLength; at += unit) {
    const code = unit === 1 ? view.getUint8(at) : view.getUint32(at, little);
    if (code === 0) break;
    text += code > 0x10ffff ? '\u{fffd}' : String.fromCodePoint(code);
  }
  return text;
}

/**
 * The one number in NumPy's `.npy` format (versions 1 to 3): an array of one element, whatever its shape, of integers,
 * floats of 4 or 8 bytes, or text that spells a number, as in AffectNet's annotations. Objects are refused: they are
 * pickles, which are programs.
 * @param source what errors call it
 * @throws UserError, one sentence, for anything else.
 */
export function parseNpyNumber(bytes: Uint8Array, source: string): number {
  const fail = (why: string): UserError => new UserError(`${source} ${why}; take the file from the release again.`);
  const { order, kind, size, shape, start } = parseNpyHeader(bytes, fail);
  const type = `${kind}${size}`;
  if (shape.some((length) => length !== 1)) throw fail(`holds an array of shape (${shape}), not one number`);
  if (kind === 'O') throw fail('holds a Python object, which is never loaded');
  const read = numbers[type];
  const unit = kind === 'U' ? 4 : 1;
  if (read === undefined && kind !== 'U' && kind !== 'S') throw fail(`holds the type '${type}', not a number or text`);
  const wanted = Number(size) * unit;
  const data = bytes.subarray(start);
  if (wanted === 0 || data.length !== wanted) {
    throw fail(`has ${data.length} bytes behind its header where the type '${type}' has ${wanted}`);
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  // NumPy writes '<' or '>' for all that is longer than a byte; '=' and none cannot be told and mean this kind of machine.
  const little = order !== '>';
  if (read !== undefined) return read(view, little);
  const spelled = textOf(view, unit, little);
  if (!/^[+-]?\d{1,15}(\.\d{1,15})?$/.test(spelled)) throw fail(`holds '${printable(spelled, 40)}', not a number`);
  return Number(spelled);
}

/** Reads a `.npy` file that holds one number (`parseNpyNumber`). */
export async function readNpyNumber(path: string): Promise<number> {
  return await withFile(path, async ({ size, read }) => {
    if (size > mostBytes) throw new UserError(`${path} has ${size} bytes, too many for one number; check the file.`);
    return parseNpyNumber(await read(0, size), path);
  });
}
