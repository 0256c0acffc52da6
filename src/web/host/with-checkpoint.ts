import type { FileSource } from '../../common/file-source.js';
import type { ProgressOptions } from '../../common/load-progress.js';
import { bytesInMemory } from '../../safetensors/byte-source.js';
import type { Checkpoint } from '../../safetensors/checkpoint.js';
import { readBytes } from './read-bytes.js';

/**
 * Opens a safetensors file for as long as it is used.
 * @throws UserError saying what it is instead, or what is wrong with it.
 */
export async function withCheckpoint<T>(
  source: FileSource,
  use: (checkpoint: Checkpoint) => Promise<T>,
  options: ProgressOptions = {},
): Promise<T> {
  const isAddress = typeof source === 'string' || source instanceof URL;
  // Of no use to a page whose recognizer has a worker; side by side with the bytes it takes no time.
  const [bytes, { openSafetensors }] = await Promise.all([
    readBytes(source, 'The checkpoint', options),
    import('../../safetensors/checkpoint.js'),
  ]);
  return use(await openSafetensors(bytesInMemory(bytes, isAddress ? String(source) : 'The checkpoint')));
}
