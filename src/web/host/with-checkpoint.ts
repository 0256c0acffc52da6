import { bytesInMemory } from '../../safetensors/byte-source.js';
import { type Checkpoint, type CheckpointSource, openSafetensors } from '../../safetensors/checkpoint.js';
import { fetchBytes } from './fetch-bytes.js';

/**
 * Opens a safetensors file for as long as it is used.
 * @param source its address or bytes
 * @throws UserError saying what it is instead, or what is wrong with it.
 */
export async function withCheckpoint<T>(
  source: CheckpointSource,
  use: (checkpoint: Checkpoint) => Promise<T>,
): Promise<T> {
  const isAddress = typeof source === 'string' || source instanceof URL;
  const bytes = isAddress ? await fetchBytes(source, 'The checkpoint') : await bytesOf(source);
  return use(await openSafetensors(bytesInMemory(bytes, isAddress ? String(source) : 'The checkpoint')));
}

async function bytesOf(source: Uint8Array | ArrayBuffer | Blob): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  return new Uint8Array(source instanceof ArrayBuffer ? source : await source.arrayBuffer());
}
