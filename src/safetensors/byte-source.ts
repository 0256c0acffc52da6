import { UserError } from '../common/errors.js';

/** Bytes that can be read from any offset: a file, or what is in memory. */
export interface ByteSource {
  /** What errors call it: its path or address. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /**
   * `length` bytes from `offset` in a buffer of their own, so that typed-array views of any element type fit.
   * @throws UserError when the source ends before.
   */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Fills `bytes` with those from `offset`: for what is gone through piece by piece.
   * @throws UserError when the source ends before.
   */
  readInto(bytes: Uint8Array, offset: number): Promise<void>;
}

/**
 * Bytes that are in memory.
 * @param path what errors call them
 */
export function bytesInMemory(bytes: Uint8Array, path: string): ByteSource {
  const part = (offset: number, length: number): Uint8Array => {
    if (offset + length <= bytes.byteLength) return bytes.subarray(offset, offset + length);
    throw new UserError(`${path} ends early, at ${bytes.byteLength} bytes: it is truncated.`);
  };
  return {
    path,
    size: bytes.byteLength,
    read: async (offset, length) => new Uint8Array(part(offset, length)),
    async readInto(target, offset) {
      target.set(part(offset, target.byteLength));
    },
  };
}
