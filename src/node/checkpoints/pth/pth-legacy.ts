import { UserError } from '../../../common/errors.js';
import { printable } from '../../../common/printable.js';
import type { ByteSource } from '../../../safetensors/byte-source.js';
import { maxTensors } from '../../../safetensors/tensor-names.js';
import { readPickle } from './pickle.js';
import { maxPickleBytes } from './pickle-limits.js';
import { PickleError } from './pickle-reader.js';
import { entryOf, itemsOf, type PickleStorage, type PickleValue } from './pickle-values.js';
import { damaged, explained, type PthFile, type StorageBytes, truncated } from './pth-file.js';
import { storageTypes } from './pth-tensors.js';
import { Refusals } from './refusals.js';
import { plainBuilder, torchBuilder } from './torch-builder.js';

// The format before PyTorch 1.6: five pickles after each other (a magic number, the version of the format, what the
// machine was like, the object, the keys of the storages), then each storage: its number of elements, its bytes.

const magicNumber = 0x1950a86a20f9469cfc6cn;
const formatVersion = 1001;
const firstWindow = 1024 * 1024;
const lengthBytes = 8;

interface Pickles {
  readonly root: PickleValue;
  readonly refused: readonly string[];
  readonly storages: ReadonlyMap<string, PickleStorage>;
  /** Of the storages, in the order in which they lie in the file. */
  readonly keys: readonly PickleValue[];
  /** Position of the first storage. */
  readonly end: number;
}

/** @throws UserError when it is no whole checkpoint of that format. */
export async function openLegacy(file: ByteSource): Promise<PthFile> {
  const { root, refused, storages, keys, end } = await readPickles(file);
  const locations = await locationsOf(file, storages, keys, end);
  return {
    format: 'pth-legacy',
    root,
    refused,
    async locate({ key }) {
      const bytes = locations.get(key);
      if (bytes === undefined) throw damaged(file.path, `storage ${printable(key, 30)} is not in it`);
      return bytes;
    },
  };
}

/** The pickles say where they end only by ending: as much is read as turns out to be needed. */
async function readPickles(file: ByteSource): Promise<Pickles> {
  for (let length = firstWindow; ; length *= 2) {
    const bytes = await file.read(0, Math.min(length, file.size));
    try {
      return parsePickles(bytes, file.path);
    } catch (error) {
      if (!(error instanceof PickleError)) throw error;
      if (!error.truncated || length >= file.size)
        explained(file.path, 'its pickle', () => {
          throw error;
        });
      if (length >= maxPickleBytes) throw damaged(file.path, `its pickle has more than ${maxPickleBytes} bytes`);
    }
  }
}

function parsePickles(bytes: Uint8Array, path: string): Pickles {
  const refusals = new Refusals();
  const plain = (start: number) => readPickle(bytes, start, plainBuilder, refusals);
  const magic = plain(0);
  if (magic.value !== magicNumber) {
    throw new UserError(
      `${path} is a Python pickle, but no PyTorch checkpoint: save the state_dict with torch.save, or as safetensors.`,
    );
  }
  const version = plain(magic.end);
  if (version.value !== formatVersion) {
    throw new UserError(`${path} has version ${shownVersion(version.value)} of PyTorch's old format; known is 1001.`);
  }
  const machine = plain(version.end);
  if (entryOf(machine.value, 'little_endian') !== true) throw bigEndian(path);
  const storages = new Map<string, PickleStorage>();
  const object = readPickle(bytes, machine.end, torchBuilder(storages), refusals);
  const keys = plain(object.end);
  const items = itemsOf(keys.value);
  if (items === undefined) throw new PickleError('it has no list of storages');
  return { root: object.value, refused: refusals.list(), storages, keys: items, end: keys.end };
}

const shownVersion = (value: PickleValue): string => (typeof value === 'number' ? String(value) : 'nonsense');

export function bigEndian(path: string): UserError {
  return new UserError(
    `${path} was saved on a big-endian machine: load it with PyTorch on a usual (little-endian) one and save it again.`,
  );
}

async function locationsOf(
  file: ByteSource,
  storages: ReadonlyMap<string, PickleStorage>,
  keys: readonly PickleValue[],
  start: number,
): Promise<Map<string, StorageBytes>> {
  if (keys.length > maxTensors) throw damaged(file.path, `it lists ${keys.length} storages`);
  const locations = new Map<string, StorageBytes>();
  let position = start;
  for (const [i, key] of keys.entries()) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined) throw damaged(file.path, 'it lists a storage that no tensor uses');
    if (locations.has(storage.key)) throw damaged(file.path, `it lists storage ${printable(storage.key, 30)} twice`);
    const bytes = storageTypes.get(storage.type)?.bytes;
    if (bytes === undefined) {
      throw new UserError(
        `${file.path} holds elements of an unknown type (${printable(storage.type, 30)}): save it again as float32.`,
      );
    }
    const byteLength = storage.length * bytes;
    const end = position + lengthBytes + byteLength;
    if (!(end <= file.size)) {
      throw truncated(file.path, `${file.size} bytes are there, storage ${i + 1} of ${keys.length} ends at ${end}`);
    }
    const stated = Buffer.from(await file.read(position, lengthBytes)).readBigInt64LE();
    if (stated !== BigInt(storage.length)) {
      throw damaged(
        file.path,
        `storage ${printable(storage.key, 30)} has ${stated} elements instead of ${storage.length}`,
      );
    }
    locations.set(storage.key, { offset: position + lengthBytes, byteLength, crc32: undefined });
    position = end;
  }
  return locations;
}
