import { type Builder, Machine } from './pickle-machine.js';
import { PickleError, PickleReader } from './pickle-reader.js';
import type { PickleValue } from './pickle-values.js';
import type { Refusals } from './refusals.js';

// A pickle is a program for a machine with a stack. This one knows all operations of protocols 0 to 5, and none of them
// runs anything: calls and constructions are given to `Builder`, which knows a few by name; the rest become records.
// Work and memory are linear in the bytes read, and both are limited (`pickle-limits.ts`).

export interface Unpickled {
  readonly value: PickleValue;
  /** Position after the pickle. */
  readonly end: number;
}

/**
 * Reads the pickle that begins at `start`.
 * @param refusals takes down what the pickle asked to call
 * @throws PickleError for anything that is not a whole pickle within the limits.
 */
export function readPickle(bytes: Uint8Array, start: number, builder: Builder, refusals: Refusals): Unpickled {
  const machine = new Machine(new PickleReader(bytes, start), builder, refusals);
  for (;;) {
    const code = machine.reader.uint8();
    if (code === 0x2e) return { value: machine.pop(), end: machine.reader.position };
    const operation = operations[code];
    if (operation === undefined) {
      throw new PickleError(`it has an unknown operation (${code}) at byte ${machine.reader.position - 1}`);
    }
    operation(machine);
  }
}

/** Python 2 writes strings as it shows them, in quotes. */
function unquoted(text: string): string {
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote)) {
    throw new PickleError('it has a string without quotes');
  }
  const plain: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
  return text.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, code: string) => {
    return code.length === 3 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (plain[code] ?? code);
  });
}

const unescaped = (text: string): string =>
  text.replace(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

function unsupported(what: string): (m: Machine) => never {
  return () => {
    throw new PickleError(`it uses ${what}, which checkpoints never do`);
  };
}

function newWithKeywords(m: Machine): void {
  m.pop();
  m.callTop('new');
}

/** Class and arguments of objects in protocols 0 and 1, by name or from the stack. */
function instance(m: Machine): void {
  const args = m.popToMark();
  m.globalFromLines();
  m.call(m.pop(), args, 'call');
}

function object(m: Machine): void {
  const [callee = null, ...args] = m.popToMark();
  m.call(callee, args, 'call');
}

type Operation = (m: Machine) => void;

/** By opcode, under the names of Python's `pickletools`. */
const operations: readonly (Operation | undefined)[] = table([
  // Frame
  [0x80, (m) => protocol(m.reader.uint8())], // PROTO
  [0x95, (m) => void m.reader.uint64()], // FRAME
  // Stack
  ['(', (m) => m.mark()],
  ['0', (m) => m.drop()], // POP
  ['1', (m) => void m.popToMark()], // POP_MARK
  ['2', (m) => m.push(m.top())], // DUP
  // Memo
  ['p', (m) => m.remember(m.reader.integerLine())], // PUT
  ['q', (m) => m.remember(m.reader.uint8())], // BINPUT
  ['r', (m) => m.remember(m.reader.uint32())], // LONG_BINPUT
  [0x94, (m) => m.remember()], // MEMOIZE
  ['g', (m) => m.recall(m.reader.integerLine())], // GET
  ['h', (m) => m.recall(m.reader.uint8())], // BINGET
  ['j', (m) => m.recall(m.reader.uint32())], // LONG_BINGET
  // Constants and numbers
  ['N', (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  ['I', (m) => m.push(integerOrBoolean(m.reader))], // INT
  ['J', (m) => m.push(m.reader.int32())], // BININT
  ['K', (m) => m.push(m.reader.uint8())], // BININT1
  ['M', (m) => m.push(m.reader.uint16())], // BININT2
  ['L', (m) => m.make(m.reader.integerLine())], // LONG
  [0x8a, (m) => m.make(m.reader.integer(m.reader.uint8()))], // LONG1
  [0x8b, (m) => m.make(m.reader.integer(m.reader.uint32()))], // LONG4
  ['F', (m) => m.push(m.reader.floatLine())], // FLOAT
  ['G', (m) => m.push(m.reader.float64())], // BINFLOAT
  // Strings and bytes
  ['S', (m) => m.make(unquoted(m.reader.line()))], // STRING
  ['T', (m) => m.make(m.reader.oldString(m.reader.uint32()))], // BINSTRING
  ['U', (m) => m.make(m.reader.oldString(m.reader.uint8()))], // SHORT_BINSTRING
  ['V', (m) => m.make(unescaped(m.reader.line()))], // UNICODE
  ['X', (m) => m.make(m.reader.utf8(m.reader.uint32()))], // BINUNICODE
  [0x8c, (m) => m.make(m.reader.utf8(m.reader.uint8()))], // SHORT_BINUNICODE
  [0x8d, (m) => m.make(m.reader.utf8(m.reader.uint64()))], // BINUNICODE8
  ['B', (m) => m.make({ kind: 'bytes', data: m.reader.bytes(m.reader.uint32()) })], // BINBYTES
  ['C', (m) => m.make({ kind: 'bytes', data: m.reader.bytes(m.reader.uint8()) })], // SHORT_BINBYTES
  [0x8e, (m) => m.make({ kind: 'bytes', data: m.reader.bytes(m.reader.uint64()) })], // BINBYTES8
  [0x96, (m) => m.make({ kind: 'bytes', data: m.reader.bytes(m.reader.uint64()) })], // BYTEARRAY8
  [0x97, unsupported('buffers outside of it')], // NEXT_BUFFER
  [0x98, unsupported('buffers outside of it')], // READONLY_BUFFER
  // Containers
  [')', (m) => m.make({ kind: 'tuple', items: [] })],
  ['t', (m) => m.make({ kind: 'tuple', items: m.popToMark() })],
  [0x85, (m) => m.tuple(1)],
  [0x86, (m) => m.tuple(2)],
  [0x87, (m) => m.tuple(3)],
  [']', (m) => m.make({ kind: 'list', items: [] })],
  ['l', (m) => m.make({ kind: 'list', items: m.popToMark() })],
  ['a', (m) => m.appendOne()], // APPEND
  ['e', (m) => m.append(m.popToMark())], // APPENDS
  ['}', (m) => m.dict([])],
  ['d', (m) => m.dict(m.popToMark())],
  ['s', (m) => m.setOne()], // SETITEM
  ['u', (m) => m.setItems(m.popToMark())], // SETITEMS
  [0x8f, (m) => m.make({ kind: 'set', items: [] })], // EMPTY_SET
  [0x91, (m) => m.make({ kind: 'set', items: m.popToMark() })], // FROZENSET
  [0x90, (m) => m.append(m.popToMark())], // ADDITEMS
  // Names, calls and objects
  ['c', (m) => m.globalFromLines()], // GLOBAL
  [0x93, (m) => m.globalFromStack()], // STACK_GLOBAL
  ['R', (m) => m.callTop('call')], // REDUCE
  [0x81, (m) => m.callTop('new')], // NEWOBJ
  [0x92, newWithKeywords], // NEWOBJ_EX
  ['i', instance], // INST
  ['o', object], // OBJ
  ['b', (m) => m.build()], // BUILD
  ['P', (m) => m.make(m.builder.persistent(m.reader.line()))], // PERSID
  ['Q', (m) => m.make(m.builder.persistent(m.pop()))], // BINPERSID
  [0x82, unsupported("Python's extension registry")],
  [0x83, unsupported("Python's extension registry")],
  [0x84, unsupported("Python's extension registry")],
]);

function table(
  entries: readonly (readonly [code: string | number, operation: Operation])[],
): (Operation | undefined)[] {
  const all: (Operation | undefined)[] = new Array(256).fill(undefined);
  for (const [code, operation] of entries) all[typeof code === 'string' ? code.charCodeAt(0) : code] = operation;
  return all;
}

function protocol(version: number): void {
  if (version > 5) throw new PickleError(`it has protocol ${version}; known are 0 to 5`);
}

function integerOrBoolean(reader: PickleReader): PickleValue {
  const start = reader.position;
  const text = reader.line();
  if (text === '01' || text === '00') return text === '01';
  reader.position = start;
  return reader.integerLine();
}
