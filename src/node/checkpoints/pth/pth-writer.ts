import { PassThrough } from 'node:stream';
import yazl from 'yazl';
import { type Dtype, elementBytes, elementCount, type Tensor } from '../../../safetensors/tensor.js';
import { writeFileAtomic } from '../../files/files.js';
import {
  type PickleNode,
  type PickleValue,
  pickle,
  pickleCall,
  pickleGlobal,
  pickleOrderedDict,
  pickleTuple,
} from './pickle-writer.js';
import { untypedDtypes } from './pth-tensors.js';

// PyTorch's zip format: an archive of stored entries in one folder; `data.pkl` holds the object, in which tensors name
// their bytes, `data/0`, `data/1`, ... https://pytorch.org/docs/stable/notes/serialization.html

/** PyTorch's storage classes, whose name tells the element type; types that have none lie in untyped ones. */
const storageNames: Readonly<Partial<Record<Dtype, string>>> = {
  F64: 'DoubleStorage',
  F32: 'FloatStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  I64: 'LongStorage',
  I32: 'IntStorage',
  I16: 'ShortStorage',
  I8: 'CharStorage',
  U8: 'ByteStorage',
  BOOL: 'BoolStorage',
  C64: 'ComplexFloatStorage',
  C128: 'ComplexDoubleStorage',
};
const untypedNames = new Map([...untypedDtypes].map(([name, dtype]) => [dtype, name]));

/** The bytes of the tensors of a file to be, in the order of their keys. */
export class PthStorages {
  readonly #data: Uint8Array[] = [];

  get data(): readonly Uint8Array[] {
    return this.#data;
  }

  /** A tensor as its place in an object to be pickled; its bytes are kept as a view. */
  tensor({ dtype, shape, data }: Tensor): PickleNode {
    const count = elementCount(shape);
    if (count * elementBytes[dtype] !== data.byteLength) {
      throw new RangeError(`A tensor [${shape.join(', ')}] of ${dtype} does not fill ${data.byteLength} bytes.`);
    }
    const key = String(this.#data.push(data) - 1);
    const typed = storageNames[dtype];
    const [type, length] =
      typed === undefined
        ? [pickleGlobal('torch.storage', 'UntypedStorage'), data.byteLength]
        : [pickleGlobal('torch', typed), count];
    const storage = pickleTuple('storage', type, key, 'cpu', length);
    const name = typed === undefined ? untypedNames.get(dtype) : undefined;
    return pickleCall(
      pickleGlobal('torch._utils', name === undefined ? '_rebuild_tensor_v2' : '_rebuild_tensor_v3'),
      { kind: 'persistent', id: storage },
      0,
      pickleTuple(...shape),
      pickleTuple(...rowMajorStrides(shape)),
      false, // requires_grad
      pickleOrderedDict(new Map()), // hooks
      ...(name === undefined ? [] : [pickleGlobal('torch', name)]),
    );
  }
}

function rowMajorStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const dimension of shape.toReversed()) {
    strides.unshift(stride);
    stride *= Math.max(1, dimension);
  }
  return strides;
}

/** Entries bear the earliest date a zip file can, so that the same content gives the same bytes. */
const entryOptions: Partial<yazl.Options> = {
  compress: false,
  mtime: new Date(1980, 0, 1),
  mode: 0o100644,
  forceDosTimestamp: true,
};

/**
 * Writes a file for `torch.load`, atomically. Tensors' bytes go to the disk uncopied, one after the other, and must not
 * change until it is done.
 * @param build makes the object to be stored, its tensors through `storages.tensor`
 * @throws UserError when it cannot be written; the previous file is then still there.
 */
export function writePth(path: string, build: (storages: PthStorages) => PickleValue): Promise<void> {
  const storages = new PthStorages();
  const object = pickle(build(storages));
  return writeFileAtomic(path, zipped(object, storages.data));
}

async function* zipped(object: Uint8Array, storages: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  const archive = new yazl.ZipFile();
  const add = (name: string, content: Uint8Array): void => {
    archive.addBuffer(
      Buffer.from(content.buffer, content.byteOffset, content.byteLength),
      `archive/${name}`,
      entryOptions,
    );
  };
  add('data.pkl', object);
  add('byteorder', Buffer.from('little'));
  for (const [key, data] of storages.entries()) add(`data/${key}`, data);
  add('version', Buffer.from('3\n'));
  archive.end();
  // A stream of bytes would hand out all that waits as one copy; one of objects hands out the chunks themselves.
  const chunks = archive.outputStream.pipe(new PassThrough({ readableObjectMode: true, readableHighWaterMark: 1 }));
  for await (const chunk of chunks) if (chunk instanceof Uint8Array) yield chunk;
}
