import { checkFileSource, type FileSource } from '../../common/file-source.js';
import { type FetchOptions, fetchBytes } from './fetch-bytes.js';

/**
 * All bytes of a file; those at an address are read up to a limit.
 * @param name what errors call it
 * @throws UserError where it cannot be loaded; the signal's reason
 */
export async function readBytes(
  source: FileSource,
  name: string,
  options?: FetchOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  checkFileSource(source, name);
  if (typeof source === 'string' || source instanceof URL) return fetchBytes(source, name, options);
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Uint8Array) return new Uint8Array(source);
  return new Uint8Array(await source.arrayBuffer());
}
