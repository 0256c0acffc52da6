import { headerOf, type Safetensors, safetensorsChunks } from '../../safetensors/safetensors.js';
import type { SafetensorsHeader, TensorEntry } from '../../safetensors/safetensors-header.js';
import type { Tensor } from '../../safetensors/tensor.js';
import { withFile, writeFileAtomic } from '../files/files.js';

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
 * Writes a safetensors file atomically and without copying the tensors, which must not change until it is done.
 * Order and alignment: {@link safetensorsChunks}.
 * @throws UserError when the disk is full or the path cannot be written; the previous file is then still there.
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  return writeFileAtomic(path, safetensorsChunks(tensors, metadata));
}
