import type { FileSource } from '../../common/file-source.js';
import { bytesInMemory } from '../../safetensors/byte-source.js';
import type { Checkpoint } from '../../safetensors/checkpoint.js';
import { openCheckpointFile, withCheckpoint as withCheckpointFile } from '../checkpoints/checkpoint-file.js';
import { pathOf, readBytes } from './read-bytes.js';

const name = 'The checkpoint';

/**
 * Opens a checkpoint of any format for as long as it is used.
 * @param source path or `file:` address of a file or folder, or the bytes of a file
 * @throws UserError saying what it is instead, or what is wrong with it.
 */
export async function withCheckpoint<T>(source: FileSource, use: (checkpoint: Checkpoint) => Promise<T>): Promise<T> {
  if (typeof source === 'string' || source instanceof URL) return withCheckpointFile(pathOf(source), use);
  return use(await openCheckpointFile(bytesInMemory(await readBytes(source, name), name)));
}
