import {
  formatHeader,
  parseHeader,
  parseHeaderLength,
  prefixBytes,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors-header.js';
import { elementBytes, type Tensor } from './tensor.js';
import { type ReadableFile, withFile, writeFileAtomic } from '../node/files/files.js';

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
export async function headerOf(file: ReadableFile): Promise<SafetensorsHeader> {
  const prefix = await file.read(0, Math.min(prefixBytes, file.size));
  const headerBytes = parseHeaderLength(prefix, file.size, file.path);
  return parseHeader(await file.read(prefixBytes, headerBytes), file.size, file.path);
}

/**
 * Reads the table of contents alone: names, shapes and where each tensor's bytes lie in the file, so that ONNX external
 * data can point at them. Consistency with the file's size is checked, its data is not touched.
 * @throws UserError when the file cannot be read or is no whole safetensors file.
 */
export function readHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, headerOf);
}

/**
 * Reads metadata and the tensors that `wanted` accepts (all by default), each into memory of its own: views of its
 * element type fit, and dropping one frees it.
 * @throws UserError when the file cannot be read or is no whole safetensors file.
 */
export function readSafetensors(
  path: string,
  wanted: (name: string, entry: TensorEntry) => boolean = () => true,
): Promise<Safetensors> {
  return withFile(path, async (file) => {
    const header = await headerOf(file);
    const tensors = new Map<string, Tensor>();
    for (const [name, entry] of header.tensors) {
      if (!wanted(name, entry)) continue;
      const { dtype, shape, offset, byteLength } = entry;
      tensors.set(name, { dtype, shape, data: await file.read(offset, byteLength) });
    }
    return { metadata: header.metadata, tensors };
  });
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

/**
 * Writes a safetensors file atomically and without copying the tensors, which must not change until it is done.
 * Order and alignment: {@link safetensorsChunks}.
 * @throws UserError when the disk is full or the path cannot be written; the previous file is then still there.
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = noMetadata,
): Promise<void> {
  return writeFileAtomic(path, safetensorsChunks(tensors, metadata));
}
