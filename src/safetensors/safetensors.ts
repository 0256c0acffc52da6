import type { ByteSource } from './byte-source.js';
import {
  formatHeader,
  parseHeader,
  parseHeaderLength,
  prefixBytes,
  type SafetensorsHeader,
} from './safetensors-header.js';
import { elementBytes, type Tensor } from './tensor.js';

/** The content of a safetensors file. */
export interface Safetensors {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

const noMetadata: ReadonlyMap<string, string> = new Map();

/**
 * Reads a safetensors file that is in memory. Tensors are views of `bytes`, in the order in which they lie there.
 * @param source what to call it in errors
 * @throws UserError for anything that is not a whole and consistent safetensors file.
 */
export function parseSafetensors(bytes: Uint8Array, source: string): Safetensors {
  const headerBytes = parseHeaderLength(bytes.subarray(0, prefixBytes), bytes.byteLength, source);
  const json = bytes.subarray(prefixBytes, prefixBytes + headerBytes);
  const header = parseHeader(json, bytes.byteLength, source);
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, offset, byteLength }] of header.tensors) {
    tensors.set(name, { dtype, shape, data: bytes.subarray(offset, offset + byteLength) });
  }
  return { metadata: header.metadata, tensors };
}

/** The table of contents of an open file. */
export async function headerOf(file: ByteSource): Promise<SafetensorsHeader> {
  const prefix = await file.read(0, Math.min(prefixBytes, file.size));
  const headerBytes = parseHeaderLength(prefix, file.size, file.path);
  return parseHeader(await file.read(prefixBytes, headerBytes), file.size, file.path);
}

/**
 * The bytes of a safetensors file, piece by piece: the header, then each tensor's own memory, uncopied.
 *
 * Tensors lie in the order given, except that wider elements come before narrower ones; the data begins at a multiple
 * of 64 bytes. So every tensor is aligned to its element size, and the same input gives the same bytes.
 */
export function* safetensorsChunks(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = noMetadata,
): Generator<Uint8Array, void, void> {
  const items = [...tensors].map(([name, { dtype, shape, data }]) => ({
    name,
    dtype,
    shape,
    data,
    byteLength: data.byteLength,
  }));
  items.sort((a, b) => elementBytes[b.dtype] - elementBytes[a.dtype]);
  yield formatHeader(items, metadata);
  for (const { data } of items) if (data.byteLength > 0) yield data;
}
