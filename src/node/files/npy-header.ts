import type { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';

/** What a NumPy file (`.npy`, versions 1 to 3 of the format) says of its array. */
export interface NpyHeader {
  /** Of `<f4`: `<`, `f` and `4`. The order may be empty. */
  readonly order: string;
  readonly kind: string;
  readonly size: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Position of the first value. */
  readonly start: number;
  /** The header itself, for messages. */
  readonly text: string;
}

const magic = '\x93NUMPY';

/** NumPy's own writer sorts the keys, so that there is one spelling. */
const pattern =
  /^\{\s*'descr':\s*'([<>=|]?)([A-Za-z])(\d{1,6})',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\d,\s]{0,100})\),?\s*\}\s*$/;

/**
 * Reads the header: the magic bytes, the version (two bytes), the length of the header (two bytes, from version 2 on four,
 * little-endian), then a Python dict of `descr`, `fortran_order` and `shape`.
 * @param bytes the beginning of a file, with its whole header
 * @param refuse makes the error of a reason such as `is not a NumPy file (.npy)`
 * @throws what `refuse` makes, for anything else.
 */
export function parseNpyHeader(bytes: Uint8Array, refuse: (why: string) => UserError): NpyHeader {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.toString('latin1', 0, magic.length) !== magic) throw refuse('is not a NumPy file (.npy)');
  const version = file.at(magic.length);
  if (version === undefined) throw refuse('is truncated within its header');
  if (version < 1 || version > 3) throw refuse(`has version ${version} of the .npy format, not 1 to 3`);
  const from = version === 1 ? 10 : 12;
  if (file.length < from) throw refuse('is truncated within its header');
  const start = from + (version === 1 ? file.readUInt16LE(8) : file.readUInt32LE(8));
  if (start > file.length) throw refuse('is truncated within its header');
  const text = file.toString('latin1', from, start).trim();
  const found = pattern.exec(text);
  if (found === null) throw refuse(`has a header that says something else ('${printable(text, 80)}')`);
  const [, order = '', kind = '', size = '', fortran = '', lengths = ''] = found;
  const shape = lengths.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]));
  return { order, kind, size, fortranOrder: fortran === 'True', shape, start, text };
}
