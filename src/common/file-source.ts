import { UserError } from './errors.js';
import { typeInWords } from './type-in-words.js';

/** The bytes of a file, or where it is. A string is a path on Node, never an address; in browsers it is an address. */
export type FileSource = string | URL | Uint8Array | ArrayBuffer | Blob;

export const isFileSource = (value: unknown): value is FileSource =>
  typeof value === 'string' ||
  value instanceof URL ||
  value instanceof Uint8Array ||
  value instanceof ArrayBuffer ||
  value instanceof Blob;

/** Whether memory was given to another thread. It has zero bytes then, as memory may have that was not. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    // What was given away can have no view.
    return true;
  }
}

/**
 * Programs without types may pass anything.
 * @param name what errors call it, such as `The checkpoint`
 * @throws UserError (kind `usage`) for what is no file; (`input`) for bytes that were given to another thread
 */
export function checkFileSource(source: unknown, name: string): asserts source is FileSource {
  if (!isFileSource(source)) {
    const type = typeInWords(source);
    throw new UserError(`${name} is ${type}, not a file; pass a path, a URL or the bytes of a file.`, 'usage');
  }
  const buffer = source instanceof Uint8Array ? source.buffer : source;
  if (buffer instanceof ArrayBuffer && isDetached(buffer)) {
    throw new UserError(`${name} is in memory that was given to another thread; pass a copy.`);
  }
}
