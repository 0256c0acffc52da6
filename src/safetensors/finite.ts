import { UserError } from '../common/errors.js';
import { printable } from '../common/printable.js';
import type { ByteSource } from './byte-source.js';

// One weight that is not a number makes every output of a network none. Files hold such weights after training that
// diverged, and after a damaged copy.

/** All bits of a float32's exponent: infinities and what is not a number have them all. */
const exponentBits = 0x7f800000;
const lowestExponentBit = 0x00800000;

/** Whether no value is infinite or not a number. */
export function allFinite(values: Float32Array): boolean {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  let carries = 0;
  // A full exponent and one more carry into the sign bit: no branch and no conversion for each of millions. An index
  // takes a third of what an iterator does here.
  for (let i = 0; i < bits.length; i++) carries |= ((bits[i] as number) & exponentBits) + lowestExponentBit;
  return carries >= 0;
}

/**
 * @param name of the tensor
 * @param path of the file that it comes from
 * @throws UserError where a value is not a finite number.
 */
export function requireFinite(values: Float32Array, name: string, path: string): void {
  if (!allFinite(values)) throw notFinite(name, path);
}

function notFinite(name: string, path: string): UserError {
  return new UserError(
    `${path} cannot be used: tensor "${printable(name)}" holds values that are not finite numbers, as after training that diverged; use another checkpoint.`,
  );
}

/** Read at once: what stays in the processor's cache between reading and looking. */
const pieceBytes = 1024 * 1024;

/**
 * The same for float32 tensors that stay where they lie, which is read once, piece by piece.
 * @param tensors where they lie, in bytes, by name
 * @throws UserError where a value is not a finite number, or they cannot be read.
 */
export async function requireFiniteIn(
  source: ByteSource,
  tensors: Iterable<readonly [name: string, offset: number, byteLength: number]>,
): Promise<void> {
  const piece = new Uint8Array(pieceBytes);
  for (const [name, offset, byteLength] of tensors) {
    for (let done = 0; done < byteLength; done += piece.byteLength) {
      const length = Math.min(piece.byteLength, byteLength - done);
      await source.readInto(piece.subarray(0, length), offset + done);
      requireFinite(new Float32Array(piece.buffer, 0, length / 4), name, source.path);
    }
  }
}
