import type { ZipEntry } from './zip.js';

// Pickles whose work or memory would grow faster than their bytes: something is made large once, and then copied, named,
// compared or walked through by operations of a few bytes each.

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

/** `text` so many times. */
const times = (text: string, count: number): Buffer => Buffer.alloc(text.length * count, text, 'latin1');

const uint32 = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString('latin1');
};

/** BINUNICODE. */
const text = (value: string): Buffer =>
  Buffer.concat([latin(`X${uint32(Buffer.byteLength(value))}`), Buffer.from(value)]);

/** Puts what is on top into the memo and takes it from the stack. */
const keep = (index: number): Buffer => latin(`q${String.fromCharCode(index)}0`);
const get = (index: number): string => `h${String.fromCharCode(index)}`;
const named = (module: string, name: string, index: number): Buffer =>
  Buffer.concat([latin(`c${module}\n${name}\n`), keep(index)]);

/** A list of `count` times the value that `item` pushes, kept as number 1. */
const list = (item: string, count: number): Buffer =>
  Buffer.concat([latin(']('), times(item, count), latin('e'), keep(1)]);

/** A storage of `length` floats, kept as number 9, and a function that makes tensors, as number 8. */
const storage = (key: string, length: number): Buffer =>
  Buffer.concat([
    named('torch._utils', '_rebuild_tensor_v2', 8),
    latin('('),
    text('storage'),
    latin('ctorch\nFloatStorage\n'),
    text(key),
    text('cpu'),
    latin(`J${uint32(length)}tQ`),
    keep(9),
  ]);

/** `shape` and `strides` push tuples. */
const tensor = (shape: string, strides: string): string => `${get(8)}(${get(9)}K\0${shape}${strides}\x89NtR`;

/** A call of what is kept as number 0 with what is kept as number 1. */
const callOne = `${get(0)}${get(1)}\x85R0`;

/** Small whole numbers that V8 puts into one place of a table: it mixes the bits of a number always in the same way. */
function fallingTogether(count: number): Buffer {
  const hash = (key: number): number => {
    let mixed = (~key + (key << 15)) >>> 0;
    mixed = (mixed ^ (mixed >>> 12)) >>> 0;
    mixed = (mixed + (mixed << 2)) >>> 0;
    mixed = (mixed ^ (mixed >>> 4)) >>> 0;
    mixed = Math.imul(mixed, 2057) >>> 0;
    return (mixed ^ (mixed >>> 16)) & 0x3ff;
  };
  const parts: Buffer[] = [];
  for (let key = 0; parts.length < count; key++) if (hash(key) === 5) parts.push(latin(`J${uint32(key)}N`));
  return Buffer.concat(parts);
}

/** A part of a pickle that leaves one value; `size` is what is made once, `repeats` how often something is done with it. */
export type Move = (size: number, repeats: number) => Buffer;

const repeated = (setup: readonly Buffer[], operation: string, repeats: number): Buffer =>
  Buffer.concat([...setup, times(operation, repeats), latin('N')]);

/** By name. */
export const moves: Readonly<Record<string, Move>> = {
  'copies of a list as sets': (n, r) => repeated([list('N', n), named('builtins', 'set', 0)], callOne, r),
  'copies of pairs as ordered dicts': (n, r) =>
    repeated([list('K\x01N\x86', n), named('collections', 'OrderedDict', 0)], callOne, r),
  'copies of a list as sizes': (n, r) => repeated([list('K\x01', n), named('torch', 'Size', 0)], callOne, r),
  'copies of a text as bytes': (n, r) =>
    repeated(
      [text('x'.repeat(n)), keep(1), text('latin1'), keep(2), named('_codecs', 'encode', 0)],
      `${get(0)}${get(1)}${get(2)}\x86R0`,
      r,
    ),
  'a long name of a class': (n, r) => repeated([text('x'.repeat(n)), keep(1)], `${get(1)}${get(1)}\x930`, r),
  'many names of one long module': (n, r) =>
    Buffer.concat([
      text('os.'.repeat(Math.ceil(n / 3))),
      keep(1),
      ...Array.from({ length: r }, (_, i) => Buffer.concat([latin(get(1)), text(String(i)), latin('\x930')])),
      latin('N'),
    ]),
  'a long text as the argument of a refused call': (n, r) =>
    repeated([text('x'.repeat(n)), keep(1), named('os', 'system', 0)], callOne, r),
  'a refused call of a class with a long name': (n, r) =>
    repeated([named('os', 'x'.repeat(Math.min(n, 900)), 0), list('N', 2)], `${get(0)})R0`, r),
  'a long key': (n, r) =>
    repeated([text('x'.repeat(n)), keep(1), text('x'.repeat(n)), keep(2)], `}${get(1)}Ns${get(2)}Ns0`, r),
  'keys that fall together': (n) => Buffer.concat([latin('}('), fallingTogether(Math.min(n, 60_000)), latin('u')]),
  'numbers of the memo far apart': (n, r) =>
    Buffer.concat([
      latin('N'),
      ...Array.from({ length: r }, (_, i) => latin(`r${uint32((i * Math.max(1, n) * 16) % 2 ** 32)}`)),
    ]),
  'a tensor of many dimensions': (n, r) =>
    repeated([storage('0', 2), list('K\x01', n)], `${tensor(get(1), get(1))}0`, r),
  'a tensor whose shape grows after it was checked': (n) =>
    Buffer.concat([
      storage('0', 2),
      latin(']'),
      latin('q\x01'),
      latin('0'),
      text('grown'),
      latin(`0${tensor(get(1), get(1))}${get(1)}(`),
      times('K\x01', n),
      latin('e0'),
    ]),
  'a storage with a long key': (n, r) =>
    repeated([storage('x'.repeat(n), 2)], `${tensor('K\x02\x85', 'K\x01\x85')}0`, r),
  'a dict of weights in a list, many times': (n, r) =>
    Buffer.concat([
      storage('0', 2),
      latin(tensor('K\x02\x85', 'K\x01\x85')),
      keep(3),
      latin('}('),
      ...Array.from({ length: n }, (_, i) => Buffer.concat([text(`w${i}`), latin(get(3))])),
      latin('u'),
      keep(1),
      list(get(1), r),
      latin(get(1)),
    ]),
  'a name of many prefixes': (n) =>
    Buffer.concat([
      storage('0', 2),
      latin('}'),
      text(`${'module.'.repeat(Math.ceil(n / 7))}weight`),
      latin(`${tensor('K\x02\x85', 'K\x01\x85')}s`),
    ]),
  'many tensors of one storage': (n) =>
    Buffer.concat([
      storage('0', 2),
      latin('}('),
      ...Array.from({ length: n }, (_, i) => Buffer.concat([text(`w${i}`), latin(tensor('K\x02\x85', 'K\x01\x85'))])),
      latin('u'),
    ]),
  'expanded tensors of one storage': (n, r) =>
    Buffer.concat([
      storage('0', 2),
      latin('}('),
      ...Array.from({ length: Math.min(r, 2000) }, (_, i) =>
        Buffer.concat([text(`w${i}`), latin(tensor(`J${uint32(n)}\x85`, 'K\0\x85'))]),
      ),
      latin('u'),
    ]),
  'dicts in dicts': (n, r) =>
    Buffer.concat([
      latin('}('),
      ...Array.from({ length: n }, (_, i) => Buffer.concat([text(`k${i}${'x'.repeat(60)}`), latin('}')])),
      latin('u'),
      keep(1),
      latin('}('),
      ...Array.from({ length: r }, (_, i) => Buffer.concat([text(`r${i}`), latin(get(1))])),
      latin('u'),
    ]),
  'lists in lists': (n) => Buffer.concat([times(']', n), times('a', n - 1)]),
  'tuples in tuples': (n) => Buffer.concat([latin('N'), times('\x85', n)]),
  'a list of itself': (n) => Buffer.concat([latin(']q\x01('), times(get(1), n), latin('e')]),
  'a dict of itself': (n) => Buffer.concat([latin('}q\x01('), times(`${get(1)}${get(1)}`, n), latin('u')]),
  'a list appended to itself': (n, r) => Buffer.concat([list('N', n), latin(']('), times(get(1), r), latin('e')]),
  'lists that double': (n) => Buffer.concat([latin('N'), times('2\x86', Math.min(n, 400_000))]),
  'objects of one state': (n, r) =>
    repeated([list('N', n), named('a', 'b', 0)], `${get(0)})\x81${get(1)}b${get(1)}a0`, r),
  'many arguments of a call': (n, r) =>
    repeated([latin('('), times('N', n), latin('t'), keep(1), named('a', 'b', 0)], `${get(0)}${get(1)}R0`, r),
  'marks and copies': (n) => Buffer.concat([latin('N'), times('2(2', n), latin('0')]),
};

/** The pickle of a whole checkpoint: `value` under a key beside a tensor of two floats, or alone. */
export function checkpointPickle(value: Uint8Array, alone = false): Buffer {
  const end = latin('.');
  if (alone) return Buffer.concat([latin('\x80\x02'), value, end]);
  return Buffer.concat([
    latin('\x80\x02}('),
    text('x'),
    value,
    text('state_dict'),
    latin('}'),
    text('w'),
    storage('0', 2),
    latin(`${tensor('K\x02\x85', 'K\x01\x85')}su`),
    end,
  ]);
}

/** Entries of an archive around a pickle. */
export function archiveEntries(pickle: Buffer): ZipEntry[] {
  return [
    { name: 'a/data.pkl', data: pickle },
    { name: 'a/byteorder', data: latin('little') },
    { name: 'a/data/0', data: Buffer.alloc(8) },
    { name: 'a/version', data: latin('3\n') },
  ];
}

/** A file in PyTorch's old format around a pickle. */
export function legacyFile(pickle: Buffer): Buffer {
  const head = latin('\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}(');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(2n);
  return Buffer.concat([
    head,
    text('little_endian'),
    latin('\x88u.'),
    pickle,
    latin('\x80\x02]'),
    text('0'),
    latin('a.'),
    length,
    Buffer.alloc(8),
  ]);
}
