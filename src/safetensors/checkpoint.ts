import type { ByteSource } from './byte-source.js';
import { headerOf } from './safetensors.js';
import type { Dtype, Tensor } from './tensor.js';
import { networkNames } from './tensor-names.js';

/** A tensor in a checkpoint, its values not read. */
export interface CheckpointEntry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** In a safetensors file: in bytes from its start, as ONNX external data wants it. */
  readonly offset?: number;
}

/** A checkpoint that is open: what it says about itself and its tensors, and their values on demand. */
export interface Checkpoint {
  /** What errors call it: its path or address. */
  readonly path: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** By name in the network ({@link networkNames}), in the order of the file. */
  readonly tensors: ReadonlyMap<string, CheckpointEntry>;
  /** The tensors of these names, those that there are. */
  read(wanted: ReadonlySet<string>): Promise<ReadonlyMap<string, Tensor>>;
  /** Of a file that ONNX Runtime can map as external data: the `offset`s of tensors count from its start. */
  readonly mappable?: MappableFile;
}

/** A file of the system, as ONNX Runtime takes it. */
export interface MappableFile {
  readonly source: ByteSource;
  /** Its folder, absolute, and its name in there, which is no symbolic link: ONNX Runtime refuses those that lead elsewhere. */
  locate(): Promise<{ readonly folder: string; readonly location: string }>;
}

/**
 * Opens a safetensors file.
 * @throws UserError saying what the file is instead, or what is wrong with it.
 */
export async function openSafetensors(source: ByteSource): Promise<Checkpoint> {
  const { metadata, tensors } = await headerOf(source);
  return namedAsInNetwork({
    path: source.path,
    metadata,
    tensors,
    async read(wanted) {
      const read = new Map<string, Tensor>();
      for (const [name, { dtype, shape, offset, byteLength }] of tensors) {
        if (wanted.has(name)) read.set(name, { dtype, shape, data: await source.read(offset, byteLength) });
      }
      return read;
    },
  });
}

/** The same checkpoint, its tensors under their names in the network. */
export function namedAsInNetwork<C extends Checkpoint>(opened: C): C {
  const names = networkNames(opened.tensors.keys(), opened.path);
  const inNetwork = (name: string): string => names.get(name) ?? name;
  return {
    ...opened,
    tensors: new Map([...opened.tensors].map(([name, entry]) => [inNetwork(name), entry])),
    async read(wanted: ReadonlySet<string>) {
      const inFile = [...names].filter(([, name]) => wanted.has(name)).map(([name]) => name);
      const read = await opened.read(new Set(inFile));
      return new Map([...read].map(([name, tensor]) => [inNetwork(name), tensor]));
    },
  };
}
