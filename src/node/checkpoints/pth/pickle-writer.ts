/*
 * The part of Python's pickle format that writing a PyTorch checkpoint takes: protocol 2, plain values, and calls of
 * named functions. https://docs.python.org/3/library/pickletools.html names the operations.
 */

/** What can be pickled. Integers become int, other numbers float; arrays become lists, maps dicts. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | readonly PickleValue[]
  | ReadonlyMap<string | number, PickleValue>
  | PickleNode;

export type PickleNode =
  /** A float also where the number is whole. */
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'tuple'; readonly items: readonly PickleValue[] }
  /** A class or function by its name. */
  | { readonly kind: 'global'; readonly module: string; readonly name: string }
  /** What a class or function gives for these arguments; `items` are then set in it, as in a dict. */
  | {
      readonly kind: 'call';
      readonly callee: PickleNode;
      readonly args: readonly PickleValue[];
      readonly items?: ReadonlyMap<string | number, PickleValue>;
    }
  /** Something outside the pickle that the reader finds by this id. */
  | { readonly kind: 'persistent'; readonly id: PickleValue };

export const pickleFloat = (value: number): PickleNode => ({ kind: 'float', value });
export const pickleTuple = (...items: PickleValue[]): PickleNode => ({ kind: 'tuple', items });
export const pickleGlobal = (module: string, name: string): PickleNode => ({ kind: 'global', module, name });
export const pickleCall = (callee: PickleNode, ...args: PickleValue[]): PickleNode => ({ kind: 'call', callee, args });

/** A dict that keeps its order in every Python. */
export function pickleOrderedDict(items: ReadonlyMap<string | number, PickleValue>): PickleNode {
  return { kind: 'call', callee: pickleGlobal('collections', 'OrderedDict'), args: [], items };
}

const op = {
  proto: 0x80,
  stop: 0x2e, // .
  mark: 0x28, // (
  none: 0x4e, // N
  newTrue: 0x88,
  newFalse: 0x89,
  binInt: 0x4a, // J
  binInt1: 0x4b, // K
  long1: 0x8a,
  binFloat: 0x47, // G
  binUnicode: 0x58, // X
  emptyList: 0x5d, // ]
  appends: 0x65, // e
  emptyDict: 0x7d, // }
  setItems: 0x75, // u
  emptyTuple: 0x29, // )
  tuple1: 0x85,
  tuple2: 0x86,
  tuple3: 0x87,
  tuple: 0x74, // t
  global: 0x63, // c
  reduce: 0x52, // R
  binPersId: 0x51, // Q
} as const;

/**
 * A value as the bytes of a pickle. What is in it twice is written twice.
 * Throws a RangeError for integers that a number does not hold exactly.
 */
export function pickle(value: PickleValue): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(op.proto, 2)];
  write(value, parts);
  parts.push(Uint8Array.of(op.stop));
  return Buffer.concat(parts);
}

function write(value: PickleValue, parts: Uint8Array[]): void {
  if (value === null) parts.push(Uint8Array.of(op.none));
  else if (typeof value === 'boolean') parts.push(Uint8Array.of(value ? op.newTrue : op.newFalse));
  else if (typeof value === 'number') parts.push(Number.isInteger(value) ? integer(value) : float(value));
  else if (typeof value === 'string') parts.push(text(value));
  else if (value instanceof Map) {
    parts.push(Uint8Array.of(op.emptyDict));
    setItems(value, parts);
  } else if (isList(value)) {
    parts.push(Uint8Array.of(op.emptyList, op.mark));
    for (const item of value) write(item, parts);
    parts.push(Uint8Array.of(op.appends));
  } else if ('kind' in value) writeNode(value, parts);
}

// Array.isArray does not narrow readonly arrays.
const isList = (value: object): value is readonly PickleValue[] => Array.isArray(value);

function writeNode(node: PickleNode, parts: Uint8Array[]): void {
  switch (node.kind) {
    case 'float':
      parts.push(float(node.value));
      break;
    case 'tuple':
      writeTuple(node.items, parts);
      break;
    case 'global':
      parts.push(Uint8Array.of(op.global), Buffer.from(`${node.module}\n${node.name}\n`));
      break;
    case 'persistent':
      write(node.id, parts);
      parts.push(Uint8Array.of(op.binPersId));
      break;
    case 'call':
      writeNode(node.callee, parts);
      writeTuple(node.args, parts);
      parts.push(Uint8Array.of(op.reduce));
      if (node.items !== undefined) setItems(node.items, parts);
  }
}

function writeTuple(items: readonly PickleValue[], parts: Uint8Array[]): void {
  const short = [op.emptyTuple, op.tuple1, op.tuple2, op.tuple3][items.length];
  if (short === undefined) parts.push(Uint8Array.of(op.mark));
  for (const item of items) write(item, parts);
  parts.push(Uint8Array.of(short ?? op.tuple));
}

function setItems(items: ReadonlyMap<string | number, PickleValue>, parts: Uint8Array[]): void {
  if (items.size === 0) return;
  parts.push(Uint8Array.of(op.mark));
  for (const [key, item] of items) {
    write(key, parts);
    write(item, parts);
  }
  parts.push(Uint8Array.of(op.setItems));
}

function integer(value: number): Uint8Array {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not an exact integer.`);
  if (value >= 0 && value < 256) return Uint8Array.of(op.binInt1, value);
  const bytes = Buffer.alloc(10);
  if (value === (value | 0)) {
    bytes[0] = op.binInt;
    bytes.writeInt32LE(value, 1);
    return bytes.subarray(0, 5);
  }
  bytes[0] = op.long1;
  bytes[1] = 8;
  bytes.writeBigInt64LE(BigInt(value), 2);
  return bytes;
}

function float(value: number): Uint8Array {
  const bytes = Buffer.alloc(9);
  bytes[0] = op.binFloat;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function text(value: string): Uint8Array {
  const utf8 = Buffer.from(value);
  const head = Buffer.alloc(5);
  head[0] = op.binUnicode;
  head.writeUInt32LE(utf8.byteLength, 1);
  return Buffer.concat([head, utf8]);
}
