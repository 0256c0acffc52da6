import { fileURLToPath } from 'node:url';
import { UserError } from '../../common/errors.js';
import { shownAddress } from '../../common/printable.js';
import { bytesInMemory } from '../../safetensors/byte-source.js';
import type { Checkpoint, CheckpointSource } from '../../safetensors/checkpoint.js';
import { openCheckpointFile, withCheckpoint as withCheckpointFile } from '../checkpoints/checkpoint-file.js';

/**
 * Opens a checkpoint of any format for as long as it is used.
 * @param source path or `file:` address of a file or folder, or the bytes of a file
 * @throws UserError saying what it is instead, or what is wrong with it.
 */
export async function withCheckpoint<T>(
  source: CheckpointSource,
  use: (checkpoint: Checkpoint) => Promise<T>,
): Promise<T> {
  if (typeof source === 'string') return withCheckpointFile(source, use);
  if (source instanceof URL) return withCheckpointFile(pathOf(source), use);
  const bytes = source instanceof Uint8Array ? source : new Uint8Array(await bufferOf(source));
  return use(await openCheckpointFile(bytesInMemory(bytes, 'The checkpoint')));
}

const bufferOf = async (source: ArrayBuffer | Blob): Promise<ArrayBuffer> =>
  source instanceof ArrayBuffer ? source : source.arrayBuffer();

function pathOf(address: URL): string {
  if (address.protocol === 'file:') return fileURLToPath(address);
  throw new UserError(
    `${shownAddress(address.href)} is no address of a file; fetch it first, and pass its bytes.`,
    'usage',
  );
}
