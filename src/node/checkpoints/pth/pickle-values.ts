// What a pickle can be made of here. There is no kind of value that could run: whatever a pickle asks to call or to
// construct, besides a handful of plain containers and tensors, becomes a record of what was asked for.

export type PickleValue = null | boolean | number | bigint | string | PickleObject;

export type PickleObject =
  | { readonly kind: 'bytes'; readonly data: Uint8Array }
  | { readonly kind: 'list'; readonly items: PickleValue[] }
  | { readonly kind: 'tuple'; readonly items: readonly PickleValue[] }
  | { readonly kind: 'set'; readonly items: PickleValue[] }
  | PickleDict
  | PickleGlobal
  | PickleRecord
  | PickleStorage
  | PickleTensor;

export interface PickleDict {
  readonly kind: 'dict';
  readonly entries: Map<PickleValue, PickleValue>;
}

/** The name of a class, function or constant; nothing is looked up by it. */
export interface PickleGlobal {
  readonly kind: 'global';
  /** Such as `torch._utils._rebuild_tensor_v2`. */
  readonly name: string;
}

/** An object of a class, or the result of a call, that was not made: what it would have been made of. */
export interface PickleRecord {
  readonly kind: 'record';
  readonly className: string;
  readonly args: readonly PickleValue[];
  /** Its attributes, most often a dict. */
  state: PickleValue | undefined;
  /** What was appended to it. */
  readonly items: PickleValue[];
  readonly entries: Map<PickleValue, PickleValue>;
}

/** A block of elements that tensors are views of. Where its bytes lie depends on the container. */
export interface PickleStorage {
  readonly kind: 'storage';
  readonly key: string;
  /** PyTorch's name without `Storage`: `Float`, `Half`, ...; `Untyped` for bytes. */
  readonly type: string;
  /** Elements of the whole storage. */
  readonly length: number;
  /** The part of it that this is, in elements: old files have views of storages. */
  readonly start: number;
  readonly end: number;
}

export interface PickleTensor {
  readonly kind: 'tensor';
  readonly storage: PickleStorage;
  /** Name of the element type where the storage does not say it. */
  readonly dtype: string | undefined;
  /** Into the storage, in elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export function isObject(value: PickleValue | undefined): value is PickleObject {
  return typeof value === 'object' && value !== null;
}

/** The items of a list or tuple. */
export function itemsOf(value: PickleValue | undefined): readonly PickleValue[] | undefined {
  return isObject(value) && (value.kind === 'list' || value.kind === 'tuple') ? value.items : undefined;
}

/** What is stored under a string in a dict. */
export function entryOf(value: PickleValue | undefined, key: string): PickleValue | undefined {
  return isObject(value) && value.kind === 'dict' ? value.entries.get(key) : undefined;
}
