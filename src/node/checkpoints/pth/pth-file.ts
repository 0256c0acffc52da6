import { UserError } from '../../../common/errors.js';
import { PickleError } from './pickle-reader.js';
import type { PickleStorage, PickleValue } from './pickle-values.js';

/** Where the bytes of a storage lie in the file. */
export interface StorageBytes {
  readonly offset: number;
  readonly byteLength: number;
  /** Checksum of the bytes, where the file has one. */
  readonly crc32: number | undefined;
}

/** A PyTorch file whose pickle has been read, and whose tensors have not. */
export interface PthFile {
  readonly format: 'pth-zip' | 'pth-legacy';
  readonly root: PickleValue;
  /** What the pickle asked to call, in words; nothing was. */
  readonly refused: readonly string[];
  /** @throws UserError when the file does not hold that storage as described. */
  locate(storage: PickleStorage): Promise<StorageBytes>;
}

export const mend = 'download or save it again';

export function damaged(path: string, problem: string): UserError {
  return new UserError(`${path} is a damaged PyTorch checkpoint: ${problem}; ${mend}.`);
}

export function truncated(path: string, problem: string): UserError {
  return new UserError(`${path} is a truncated PyTorch checkpoint: ${problem}; ${mend}.`);
}

/** Runs `read`, making a sentence about the file of what is wrong with a pickle. */
export function explained<T>(path: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw (error.truncated ? truncated : damaged)(path, `${what} cannot be read, ${error.message}`);
  }
}
