import { fileURLToPath } from 'node:url';
import { pathOrAddress } from '../../common/addresses.js';
import { UserError } from '../../common/errors.js';
import { checkFileSource, type FileSource } from '../../common/file-source.js';
import { printable, shownAddress } from '../../common/printable.js';
import { withFile } from '../files/files.js';

/**
 * The path of a file of this machine.
 * @throws UserError for other addresses.
 */
export function pathOf(given: string | URL): string {
  const source = typeof given === 'string' ? pathOrAddress(given) : given;
  if (typeof source === 'string') return source;
  if (source.protocol === 'file:') return fileURLToPath(source);
  throw new UserError(
    `${printable(shownAddress(source.href))} is no address of a file; fetch it first, and pass its bytes.`,
    'usage',
  );
}

/**
 * All bytes of a file.
 * @param name what errors call it
 * @throws UserError where it cannot be read.
 */
export async function readBytes(source: FileSource, name: string): Promise<Uint8Array> {
  checkFileSource(source, name);
  if (typeof source === 'string' || source instanceof URL) {
    return withFile(pathOf(source), ({ read, size }) => read(0, size));
  }
  if (source instanceof Uint8Array) return source;
  return new Uint8Array(source instanceof ArrayBuffer ? source : await source.arrayBuffer());
}
