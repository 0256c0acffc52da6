import { crc32 } from 'node:zlib';
import { UserError } from '../../../common/errors.js';
import { itemAt } from '../../../common/item-at.js';
import { printable } from '../../../common/printable.js';
import { integerAt } from '../../../common/typed-item.js';
import type { ByteSource } from '../../../safetensors/byte-source.js';
import { type Dtype, elementBytes, elementCount, type Tensor } from '../../../safetensors/tensor.js';
import type { PickleTensor } from './pickle-values.js';
import { damaged, type PthFile } from './pth-file.js';

/** Element types by the name of their storage; without `dtype`: what we do not read, but must be able to skip. */
export const storageTypes: ReadonlyMap<string, { readonly dtype?: Dtype; readonly bytes: number }> = new Map([
  ...Object.entries({
    Double: 'F64',
    Float: 'F32',
    Half: 'F16',
    BFloat16: 'BF16',
    Long: 'I64',
    Int: 'I32',
    Short: 'I16',
    Char: 'I8',
    Byte: 'U8',
    Bool: 'BOOL',
    ComplexHalf: 'C32',
    ComplexFloat: 'C64',
    ComplexDouble: 'C128',
  } as const).map(([name, dtype]) => [name, { dtype, bytes: elementBytes[dtype] }] as const),
  ...Object.entries({
    Untyped: 1,
    QInt8: 1,
    QUInt8: 1,
    QInt32: 4,
    QUInt4x2: 1,
    QUInt2x4: 1,
  }).map(([name, bytes]) => [name, { bytes }] as const),
]);

/** Types without a storage of their own, as `_rebuild_tensor_v3` names them: their storages are untyped, counted in bytes. */
export const untypedDtypes: ReadonlyMap<string, Dtype> = new Map([
  ['uint16', 'U16'],
  ['uint32', 'U32'],
  ['uint64', 'U64'],
  ['complex32', 'C32'],
  ['float8_e4m3fn', 'F8_E4M3'],
  ['float8_e5m2', 'F8_E5M2'],
  ['float8_e4m3fnuz', 'F8_E4M3FNUZ'],
  ['float8_e5m2fnuz', 'F8_E5M2FNUZ'],
  ['float8_e8m0fnu', 'F8_E8M0'],
]);

/** The type of a tensor's elements; `undefined` for those that we do not read. */
export function dtypeOf({ storage, dtype }: PickleTensor): Dtype | undefined {
  if (dtype === undefined) return storageTypes.get(storage.type)?.dtype;
  return storage.type === 'Untyped' ? untypedDtypes.get(dtype) : undefined;
}

/** A tensor of a PyTorch file, checked, with its place in its storage. */
export interface PthEntry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
  readonly tensor: PickleTensor;
  /** Elements of the storage from the first to behind the last that it uses. Equal: it is empty. */
  readonly first: number;
  readonly end: number;
  /** Its elements lie in the storage as they lie in a safetensors file. */
  readonly contiguous: boolean;
}

function isContiguous({ shape, strides }: PickleTensor): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = itemAt(shape, axis);
    if (size !== 1 && strides[axis] !== expected) return false;
    expected *= size;
  }
  return true;
}

/**
 * Checks a tensor that a pickle describes against its storage.
 * @throws UserError naming the tensor, when it has elements we do not read or reaches beyond its storage.
 */
export function checkTensor(path: string, name: string, tensor: PickleTensor): PthEntry {
  const called = `tensor "${printable(name)}"`;
  const { storage, shape, strides, offset } = tensor;
  const dtype = dtypeOf(tensor);
  if (dtype === undefined) {
    const what = printable(tensor.dtype ?? storage.type, 30);
    throw new UserError(
      `${path} cannot be read: ${called} has elements of type ${what}, not one of ${Object.keys(elementBytes).join(', ')}; convert it with PyTorch first.`,
    );
  }
  const count = elementCount(shape);
  const byteLength = count * elementBytes[dtype];
  if (!Number.isSafeInteger(byteLength)) throw damaged(path, `${called} has an impossibly large shape`);
  // What the storage counts in: its elements, or bytes.
  const unit = tensor.dtype === undefined ? 1 : elementBytes[dtype];
  const first = storage.start / unit + offset;
  if (!Number.isInteger(first)) throw damaged(path, `${called} begins within an element`);
  const reach = count === 0 ? 0 : 1 + shape.reduce((sum, size, axis) => sum + (size - 1) * itemAt(strides, axis), 0);
  const end = first + reach;
  if (count > 0 && !(end * unit <= storage.end)) {
    const size = Math.floor((storage.end - storage.start) / unit);
    throw damaged(path, `${called} reaches beyond the ${size} elements that it lies in`);
  }
  return { dtype, shape, byteLength, tensor, first, end, contiguous: count === 0 || isContiguous(tensor) };
}

/** What tensors of a file may take together, in bytes: shared and expanded ones can claim far more than the file has. */
export function memoryLimit(fileBytes: number): number {
  return 4 * fileBytes + 16 * 1024 * 1024;
}

/** @throws UserError when the bytes are not those that were written. */
export function checkCrc32(path: string, bytes: Uint8Array, expected: number | undefined): void {
  if (expected !== undefined && crc32(bytes) !== expected) {
    throw damaged(path, 'its bytes are not those that were written (checksum)');
  }
}

/**
 * Reads tensors, each storage once and one after the other. Tensors are views where they lie in order, and copies where
 * not or where two of them share elements: writing to one never changes another.
 * @throws UserError when the file is damaged, or they would take more memory than {@link memoryLimit}.
 */
export async function readTensors(
  file: ByteSource,
  pth: PthFile,
  entries: ReadonlyMap<string, PthEntry>,
): Promise<Map<string, Tensor>> {
  const groups = new Map<string, { first: number; end: number; entries: [string, PthEntry][] }>();
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of entries) {
    // In the order given, whatever the order of the storages.
    tensors.set(name, { dtype: entry.dtype, shape: entry.shape, data: new Uint8Array(0) });
    if (entry.byteLength === 0) continue;
    // Untyped storages may be seen as elements of several sizes.
    const key = `${elementBytes[entry.dtype]} ${entry.tensor.storage.key}`;
    const group = groups.get(key) ?? { first: entry.first, end: entry.end, entries: [] };
    group.first = Math.min(group.first, entry.first);
    group.end = Math.max(group.end, entry.end);
    group.entries.push([name, entry]);
    groups.set(key, group);
  }
  checkMemory(file, [...groups.values()]);
  for (const { first, end, entries } of groups.values()) {
    const [one] = entries;
    if (one === undefined) continue;
    const size = elementBytes[one[1].dtype];
    const located = await pth.locate(one[1].tensor.storage);
    if (end * size > located.byteLength) {
      throw damaged(
        file.path,
        `tensor "${printable(one[0])}" reaches beyond the ${located.byteLength} bytes of its storage`,
      );
    }
    const bytes = await file.read(located.offset + first * size, (end - first) * size);
    if (bytes.byteLength === located.byteLength) checkCrc32(file.path, bytes, located.crc32);
    let free = first;
    for (const [name, entry] of entries.toSorted(([, a], [, b]) => a.first - b.first)) {
      const { dtype, shape, byteLength, contiguous } = entry;
      const part = bytes.subarray((entry.first - first) * size);
      const view = contiguous && entry.first >= free;
      if (view) free = entry.end;
      const data = view ? part.subarray(0, byteLength) : contiguous ? part.slice(0, byteLength) : gathered(part, entry);
      tensors.set(name, { dtype, shape, data });
    }
  }
  return tensors;
}

function checkMemory(
  file: ByteSource,
  groups: readonly { readonly first: number; readonly end: number; readonly entries: readonly [string, PthEntry][] }[],
): void {
  let claimed = 0;
  let most: readonly [string, PthEntry] | undefined;
  for (const { first, end, entries } of groups) {
    for (const one of entries) if (one[1].byteLength > (most?.[1].byteLength ?? 0)) most = one;
    const [one] = entries;
    if (one === undefined) continue;
    const read = (end - first) * elementBytes[one[1].dtype];
    claimed += Math.max(
      read,
      entries.reduce((sum, [, { byteLength }]) => sum + byteLength, 0),
    );
  }
  if (claimed <= memoryLimit(file.size)) return;
  throw new UserError(
    `${file.path} cannot be read: its ${file.size} bytes claim to be ${claimed} bytes of tensors, more than are taken from a file of this size; tensors that repeat their values, as expand() makes them, are such (the largest is "${printable(most?.[0] ?? '')}"): save them after contiguous(), or leave them out.`,
  );
}

/** Elements of a tensor with any strides, in row-major order. `bytes` begin at its first element, aligned to it. */
function gathered(bytes: Uint8Array, { tensor, byteLength, dtype }: PthEntry): Uint8Array {
  const data = new Uint8Array(byteLength);
  // An axis of one element is no step: hostile shapes are full of them.
  const axes = tensor.shape.flatMap((size, axis) =>
    size === 1 ? [] : [{ size, stride: itemAt(tensor.strides, axis) }],
  );
  const shape = axes.map(({ size }) => size);
  const strides = axes.map(({ stride }) => stride);
  const as = <T>(View: new (buffer: ArrayBufferLike, offset: number, length: number) => T, size: number): [T, T] => [
    new View(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / size)),
    new View(data.buffer, 0, byteLength / size),
  ];
  switch (elementBytes[dtype]) {
    case 16:
    case 8: {
      // In words, so that no bit pattern is taken for a number.
      const words = elementBytes[dtype] / 4;
      gather(...as(Uint32Array, 4), [...shape, words], [...strides.map((stride) => words * stride), 1]);
      break;
    }
    case 4:
      gather(...as(Uint32Array, 4), shape, strides);
      break;
    case 2:
      gather(...as(Uint16Array, 2), shape, strides);
      break;
    case 1:
      gather(bytes, data, shape, strides);
  }
  return data;
}

type Elements = Uint32Array | Uint16Array | Uint8Array;

function gather(from: Elements, to: Elements, shape: readonly number[], strides: readonly number[]): void {
  const rank = shape.length;
  // A scalar has no axis, and one element.
  const inner = rank === 0 ? 1 : itemAt(shape, rank - 1);
  const step = rank === 0 ? 0 : itemAt(strides, rank - 1);
  const index = new Array<number>(rank).fill(0);
  let row = 0;
  for (let at = 0; at < to.length; ) {
    for (let i = 0, position = row; i < inner; i++, position += step) to[at++] = integerAt(from, position);
    // The next row: the last axis but one that has not reached its end moves on, those after it start again.
    for (let axis = rank - 2; axis >= 0; axis--) {
      const stride = itemAt(strides, axis);
      const next = itemAt(index, axis) + 1;
      if (next < itemAt(shape, axis)) {
        index[axis] = next;
        row += stride;
        break;
      }
      index[axis] = 0;
      row -= stride * (next - 1);
    }
  }
}
