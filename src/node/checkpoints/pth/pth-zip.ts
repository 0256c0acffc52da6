import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { messageOf, UserError } from '../../../common/errors.js';
import { printable } from '../../../common/printable.js';
import type { ByteSource } from '../../../safetensors/byte-source.js';
import { maxTensors } from '../../../safetensors/tensor-names.js';
import { readPickle } from './pickle.js';
import { maxPickleBytes } from './pickle-limits.js';
import type { PickleStorage } from './pickle-values.js';
import { damaged, explained, mend, type PthFile, type StorageBytes, truncated } from './pth-file.js';
import { bigEndian } from './pth-legacy.js';
import { checkCrc32 } from './pth-tensors.js';
import { Refusals } from './refusals.js';
import { torchBuilder } from './torch-builder.js';

// The format since PyTorch 1.6: a zip archive that stores without compressing. NAME/data.pkl is the object, NAME/data/KEY
// each storage's bytes, NAME/byteorder says how these are to be read.

/** Of an archive's table of contents, and characters of their names. Published checkpoints have about 800, of 20. */
const maxEntries = 2 * maxTensors;
const maxNameLength = 1000;

/** Entries of the table of contents are read one by one, in two pieces: bytes that are taken from the file at once. */
const windowBytes = 4096;

/** Lets the archive's reader read from our file. */
class FileReader extends RandomAccessReader {
  readonly #file: ByteSource;
  readonly #fail: (error: unknown) => void;
  #window: { readonly start: number; readonly end: number; readonly bytes: Promise<Uint8Array> } | undefined;

  constructor(file: ByteSource, fail: (error: unknown) => void) {
    super();
    this.#file = file;
    this.#fail = fail;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    const { size } = this.#file;
    if (!Number.isSafeInteger(position) || position < 0 || position + length > size) {
      callback(new Error('it points outside of the file'));
      return;
    }
    this.#read(position, length)
      .then(
        (bytes) => {
          buffer.set(bytes, offset);
          callback(null);
        },
        (error: unknown) => callback(error instanceof Error ? error : new Error(messageOf(error))),
      )
      // Something thrown within the archive's reader would otherwise be lost, and it would wait for ever.
      .catch(this.#fail);
  }

  async #read(position: number, length: number): Promise<Uint8Array> {
    if (length > windowBytes) return this.#file.read(position, length);
    let window = this.#window;
    if (window === undefined || position < window.start || position + length > window.end) {
      const end = Math.min(position + windowBytes, this.#file.size);
      window = { start: position, end, bytes: this.#file.read(position, end - position) };
      this.#window = window;
    }
    return (await window.bytes).subarray(position - window.start, position - window.start + length);
  }
}

/** @throws UserError when it is no whole checkpoint of that format. */
export function openZip(file: ByteSource): Promise<PthFile> {
  return new Promise((resolve, reject) => {
    open(file, reject).then(resolve, reject);
  });
}

async function open(file: ByteSource, fail: (error: unknown) => void): Promise<PthFile> {
  const { path } = file;
  const { archive, entries } = await contents(file, fail);
  const locate = async (entry: Entry): Promise<StorageBytes> => {
    if (entry.compressionMethod !== 0 || entry.isEncrypted()) {
      throw new UserError(
        `${path} is a compressed or encrypted zip archive, as PyTorch never writes one: unpack it, and load what is inside.`,
      );
    }
    const { fileDataStart } = await archive
      .readLocalFileHeaderPromise(entry, { minimal: true })
      .catch((error: unknown) => {
        throw explainZipError(error, path);
      });
    // Zero: whoever saved it turned checksums off.
    return { offset: fileDataStart, byteLength: entry.uncompressedSize, crc32: entry.crc32 || undefined };
  };
  const bytesOf = async (entry: Entry, limit: number): Promise<Uint8Array> => {
    if (entry.uncompressedSize > limit) {
      throw damaged(path, `${printable(entry.fileName, 60)} has more than ${limit} bytes`);
    }
    const { offset, byteLength, crc32 } = await locate(entry);
    const bytes = await file.read(offset, byteLength);
    checkCrc32(path, bytes, crc32);
    return bytes;
  };
  const { name, pickle } = objectOf(entries, path);
  const order = entries.get(`${name}/byteorder`);
  if (
    order !== undefined &&
    Buffer.from(await bytesOf(order, 64))
      .toString('latin1')
      .trim() === 'big'
  ) {
    throw bigEndian(path);
  }
  const data = await bytesOf(pickle, maxPickleBytes);
  const refusals = new Refusals();
  const { value } = explained(path, 'its pickle', () => readPickle(data, 0, torchBuilder(new Map()), refusals));
  return {
    format: 'pth-zip',
    root: value,
    refused: refusals.list(),
    async locate({ key }: PickleStorage) {
      const entry = entries.get(`${name}/data/${key}`);
      if (entry === undefined) throw damaged(path, `storage ${printable(key, 30)} is not in it`);
      return locate(entry);
    },
  };
}

interface Contents {
  readonly archive: ZipFile;
  readonly entries: ReadonlyMap<string, Entry>;
}

async function contents(file: ByteSource, fail: (error: unknown) => void): Promise<Contents> {
  try {
    const reader = new FileReader(file, fail);
    const archive = await fromRandomAccessReaderPromise(reader, file.size, { lazyEntries: true, autoClose: false });
    if (archive.entryCount > maxEntries) throw new Error(`it lists ${archive.entryCount} entries`);
    const entries = new Map<string, Entry>();
    for await (const entry of archive.eachEntry()) {
      if (entry.fileName.length > maxNameLength) throw new Error('it has a name of more than 1000 characters');
      if (entries.has(entry.fileName)) throw new Error(`it has ${printable(entry.fileName, 60)} twice`);
      entries.set(entry.fileName, entry);
    }
    return { archive, entries };
  } catch (error) {
    throw explainZipError(error, file.path);
  }
}

function explainZipError(error: unknown, path: string): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  if (error.message.startsWith('End of central directory')) {
    return truncated(path, 'it begins as a zip archive, and the table of contents that ends one is missing');
  }
  return damaged(path, `the zip archive cannot be read (${printable(error.message, 100)})`);
}

function objectOf(entries: Contents['entries'], path: string): { readonly name: string; readonly pickle: Entry } {
  const found = [...entries].flatMap(([fileName, pickle]) => {
    const name = /^([^/]+)\/data\.pkl$/.exec(fileName)?.[1];
    return name === undefined ? [] : [{ name, pickle }];
  });
  const [object] = found;
  if (object === undefined || found.length > 1) {
    const names = [...entries.keys()].slice(0, 3).map((name) => printable(name, 40));
    throw new UserError(
      `${path} is a zip archive (${names.join(', ')}${entries.size > 3 ? ', …' : ''}), but no PyTorch checkpoint; if there is one inside, unpack it first, else ${mend}.`,
    );
  }
  if (entries.has(`${object.name}/constants.pkl`)) {
    throw new UserError(
      `${path} is a TorchScript program rather than a checkpoint: save its state_dict() with torch.save, or as safetensors.`,
    );
  }
  return object;
}
