import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { trainStateKey } from '../../safetensors/index.js';
import { isFile } from '../files/path-kind.js';
import { readHeader } from './safetensors-file.js';

/**
 * @param path of a file that is about to be written
 * @throws UserError (kind `usage`) where it is the state of a run, which could not be resumed without it
 */
export async function requireNoState(path: string): Promise<void> {
  if (!(await isState(path))) return;
  throw new UserError(
    `${printable(path, 4096)} is the state of a run, which could not be resumed without it; name another file.`,
    'usage',
  );
}

async function isState(path: string): Promise<boolean> {
  if (!(await isFile(path))) return false;
  try {
    return (await readHeader(path)).metadata.has(trainStateKey);
  } catch (error) {
    // Whatever else is there may be written over.
    if (error instanceof UserError) return false;
    throw error;
  }
}
