import type { Random } from '../../src/common/random.js';
import { headerFile, headers } from './headers.js';
import { archiveEntries, checkpointPickle, legacyFile, moves } from './moves.js';
import { unzip, type ZipEntry, zip } from './zip.js';

// Changes to good files. Half of them know the format: random bytes alone seldom get beyond its first checks.

export type Mutation = (bytes: Buffer, random: Random) => Buffer;

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[random.int(items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}

const splice = (bytes: Buffer, start: number, end: number, ...more: Uint8Array[]): Buffer =>
  Buffer.concat([bytes.subarray(0, start), ...more, bytes.subarray(end)]);

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

const edges = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** A few bytes, anywhere: set, put in, taken out, repeated, swapped, cut off, a number at the edge of its type. */
export const anyBytes: Mutation = (bytes, random) => {
  const at = random.int(bytes.length + 1);
  const length = Math.min(1 + random.int(pick(random, [1, 4, 16, 256])), bytes.length - at);
  switch (random.int(8)) {
    case 0:
      return splice(bytes, at, at + Math.min(1, length), Buffer.of(random.int(256)));
    case 1:
      return splice(bytes, at, at, Buffer.from(Array.from({ length: 1 + random.int(8) }, () => random.int(256))));
    case 2:
      return splice(bytes, at, at + length);
    case 3:
      return splice(bytes, at, at, bytes.subarray(at, at + length));
    case 4:
      return splice(bytes, at, at + length, bytes.subarray(random.int(bytes.length + 1)).subarray(0, length));
    case 5:
      return Buffer.from(bytes.subarray(0, at));
    case 6: {
      const number = Buffer.alloc(pick(random, [2, 4, 8]), 0);
      const edge = pick(random, edges);
      if (number.length === 2) number.writeUInt16LE(edge % 65536);
      else number.writeUInt32LE(edge);
      return splice(bytes, at, Math.min(at + number.length, bytes.length), number);
    }
    default: {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << random.int(8));
      return copy;
    }
  }
};

const opcodes = latin(
  '(.012FNIJKLMPQRSTUVXabcd}eghijlopqrstu])GBC\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98',
);

/** Pieces of pickles with a meaning, mostly an evil one. */
const snippets: readonly Buffer[] = [
  'cos\nsystem\n(X\x0b\0\0\0touch pwnedtR',
  'cposix\nsystem\n\x8c\x0btouch pwned\x85R',
  'c__builtin__\neval\n(U\x0f__import__("os")tR',
  '\x8c\x08builtins\x8c\x04exec\x93\x8c\x01x\x85R',
  '(ios\nsystem\n',
  '(cos\nsystem\nX\x01\0\0\0xo',
  'cos\nenviron\n}b',
  'csubprocess\nPopen\n)\x81',
  '\x82\x01',
  '\x8b\xff\xff\xff\x7f',
  '\x8a\xff',
  'L999999999999999999999999999999999999L\n',
  'F1e999\n',
  'Inan\n',
  'X\xff\xff\xff\xff',
  '\x8d\xff\xff\xff\xff\xff\xff\xff\xff',
  '\x96\0\0\0\0\x01\0\0\0',
  '\x95\xff\xff\xff\xff\xff\xff\xff\xff',
  'r\xff\xff\xff\xff',
  'j\xff\xff\xff\xff',
  ']q\xf0h\xf0a',
  '}q\xf1h\xf1h\xf1s',
  '2\x86'.repeat(60),
  '2\x862\x86]2a'.repeat(20),
  '}(K\x01N'.repeat(50),
  '('.repeat(500),
  ']'.repeat(500),
  'ccollections\nOrderedDict\n)R',
  'ctorch._utils\n_rebuild_tensor_v2\n',
  'ctorch._utils\n_rebuild_tensor_v3\n',
  'ctorch._utils\n_rebuild_qtensor\n)R',
  'ctorch\nComplexFloatStorage\n',
  'ctorch.storage\nUntypedStorage\n',
  'J\xff\xff\xff\xff',
  'J\xff\xff\xff\x7f',
  '\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f',
  '\x8a\x07\xff\xff\xff\xff\xff\xff\x1f',
  'G\x7f\xf8\0\0\0\0\0\0',
  'G?\xe0\0\0\0\0\0\0',
].map(latin);

/** Small numbers in pickles are sizes, strides and offsets: `K n`. */
function otherNumber(bytes: Buffer, random: Random): Buffer {
  const positions = [...bytes.keys()].filter((i) => bytes[i] === 0x4b);
  if (positions.length === 0) return bytes;
  const at = pick(random, positions);
  const values = [
    'K\0',
    'K\x01',
    'K\xff',
    'M\xff\xff',
    'J\xff\xff\xff\x7f',
    'J\xff\xff\xff\xff',
    '\x8a\x06\0\0\0\0\0\x7f',
  ];
  return splice(bytes, at, at + 2, latin(pick(random, values)));
}

/** Offset, shape and strides of a tensor of two dimensions, anywhere from right to absurd: `K o K a K b 0x86 K c K d 0x86`. */
function otherShape(bytes: Buffer, random: Random): Buffer {
  const tensors = [...bytes.toString('latin1').matchAll(/K.(K.K.\x86(?:q.|r....)?)K.K.\x86/gs)];
  if (tensors.length === 0) return bytes;
  const { index, 0: whole } = pick(random, tensors);
  const numbers = [
    'K\0',
    'K\0',
    'K\x01',
    'K\x02',
    'K\x06',
    'M\0\x04',
    'M\xff\xff',
    'J\0\0\0\x01',
    '\x8a\x06\0\0\0\0\0\x01',
  ];
  const pair = (): string => `${pick(random, numbers)}${pick(random, numbers)}\x86`;
  return splice(bytes, index, index + whole.length, latin(pick(random, ['K\0', ...numbers]) + pair() + pair()));
}

/** A name of the same length or not, in place of one that is there. */
function otherName(bytes: Buffer, random: Random): Buffer {
  const names = [
    'FloatStorage',
    'DoubleStorage',
    'HalfStorage',
    '_rebuild_tensor_v2',
    'OrderedDict',
    'storage',
    'state_dict',
    'module.',
    'cpu',
  ];
  const found = names.filter((name) => bytes.includes(name));
  if (found.length === 0) return bytes;
  const name = pick(random, found);
  const at = bytes.indexOf(name, random.int(Math.max(1, bytes.lastIndexOf(name) + 1)));
  if (at === -1) return bytes;
  return splice(
    bytes,
    at,
    at + name.length,
    latin(pick(random, [...names, '', 'ByteStorage', 'eval', '__proto__', '\u001b[2J'])),
  );
}

/** Changes to a pickle. */
export const anyPickle: Mutation = (bytes, random) => {
  let changed = bytes;
  for (let i = 1 + random.int(3); i > 0; i--) {
    const at = random.int(changed.length + 1);
    const kind = random.int(7);
    if (kind === 0) changed = splice(changed, at, at + 1, Buffer.of(pick(random, [...opcodes])));
    else if (kind === 1) changed = splice(changed, at, at, Buffer.of(pick(random, [...opcodes])));
    else if (kind === 2) changed = splice(changed, at, at, pick(random, snippets));
    else if (kind === 3) changed = otherNumber(changed, random);
    else if (kind === 4) changed = otherName(changed, random);
    else if (kind === 5) changed = otherShape(changed, random);
    else changed = anyBytes(changed, random);
  }
  return changed;
};

/** Changes to a PyTorch file in its old format: its pickles come first. */
export const anyLegacy: Mutation = (bytes, random) =>
  random.int(4) === 0 ? anyBytes(bytes, random) : anyPickle(bytes, random);

/** Changes to the archive, its directory, or what is in it, put together again. */
export const anyZip: Mutation = (bytes, random) => {
  const kind = random.int(8);
  if (kind === 0) return anyBytes(bytes, random);
  if (kind === 1) {
    // Fields of the directory, which is at the end.
    const copy = Buffer.from(bytes);
    const at = copy.length - 4 - random.int(Math.min(1500, copy.length - 4));
    copy.writeUInt32LE(pick(random, [...edges, copy.length, random.uint32()]), at);
    return copy;
  }
  const entries = unzip(bytes);
  const one = random.int(entries.length);
  const swapped = (i: number, change: (entry: ZipEntry) => ZipEntry): ZipEntry[] =>
    entries.map((entry, j) => (i === j ? change(entry) : entry));
  if (kind === 2) {
    const names = [
      'x/data.pkl',
      'data.pkl',
      '../data.pkl',
      '/data.pkl',
      'a\\b',
      '',
      entries[0]?.name ?? '',
      `${'d/'.repeat(99)}x`,
    ];
    return zip(
      swapped(one, ({ data }) => ({ name: pick(random, names), data })),
      true,
    );
  }
  if (kind === 3)
    return zip(
      swapped(one, ({ name, data }) => ({ name, data: anyBytes(data, random) })),
      true,
    );
  if (kind === 4)
    return zip(random.int(2) === 0 ? entries.toSpliced(one, 1) : [...entries, ...entries.slice(one, one + 1)], true);
  const pickle = entries.findIndex(({ name }) => name.endsWith('data.pkl'));
  return zip(
    swapped(pickle, ({ name, data }) => ({ name, data: anyPickle(data, random) })),
    random.int(2) === 0,
  );
};

const oddNumbers = [
  '-1',
  '0',
  '1',
  '0.5',
  '1e400',
  '4294967296',
  '9007199254740991',
  '18446744073709551615',
  '-0',
  '007',
  '1e2',
];
const oddValues = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '"F32"',
  '"\\u0000"',
  '"\\ud800"',
  '[[[[]]]]',
  '{"__proto__":1}',
  '"__metadata__"',
  `[${'0,'.repeat(50)}0]`,
];

/** Changes to the text of a JSON document: other numbers, values, keys. */
function anyJson(text: string, random: Random): string {
  const tokens = [...text.matchAll(/"(?:\\.|[^"\\])*"|-?\d[\d.eE+-]*|[[\]{},:]|true|false|null/g)];
  if (tokens.length === 0) return text;
  const { index, 0: token } = pick(random, tokens);
  const number = /^-?\d/.test(token);
  const replacements =
    number && random.int(3) > 0 ? oddNumbers : [...oddNumbers, ...oddValues, '', ',', '}', token + token];
  return text.slice(0, index) + pick(random, replacements) + text.slice(index + token.length);
}

/** Changes to a safetensors file, most of them to its header, whose length then is right again or not. */
export const anySafetensors: Mutation = (bytes, random) => {
  if (random.int(4) === 0) return anyBytes(bytes, random);
  const length = Number(bytes.readBigUInt64LE());
  let json = bytes.toString('utf8', 8, 8 + length);
  for (let i = 1 + random.int(2); i > 0; i--) json = anyJson(json, random);
  return withHeader(bytes, length, json, random);
};

/** Changes to the documents that this project keeps in a file's metadata: JSON within JSON. */
export const anyDocument: Mutation = (bytes, random) => {
  if (random.int(3) === 0) return anySafetensors(bytes, random);
  const length = Number(bytes.readBigUInt64LE());
  const json = bytes.toString('utf8', 8, 8 + length);
  const documents = [...json.matchAll(/"poster_v2\w*":("(?:\\.|[^"\\])*")/g)];
  if (documents.length === 0) return anyBytes(bytes, random);
  const { index, 0: whole, 1: document = '""' } = pick(random, documents);
  let text = String(JSON.parse(document));
  for (let i = 1 + random.int(2); i > 0; i--) text = anyJson(text, random);
  const start = index + whole.length - document.length;
  const changed = json.slice(0, start) + JSON.stringify(text) + json.slice(index + whole.length);
  return withHeader(bytes, length, changed, random);
};

function withHeader(bytes: Buffer, length: number, json: string, random: Random): Buffer {
  const header = Buffer.from(json);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(random.int(8) === 0 ? length : header.length));
  return Buffer.concat([prefix, header, bytes.subarray(8 + length)]);
}

/** Any size up to `most`, small ones as often as large ones, the largest in one of fifty files: they take the time. */
function anySize(random: Random, most: number): number {
  const limit = random.int(50) === 0 ? most : most / 40;
  return Math.floor(limit ** ((1 + random.int(1000)) / 1000));
}

/** A pickle that is large in one way, or in two, half of the time mutated besides. */
function anyMove(random: Random): Buffer {
  const parts = Array.from({ length: 1 + random.int(2) }, () =>
    pick(random, Object.values(moves))(anySize(random, 40_000), anySize(random, 20_000)),
  );
  const [first, second] = parts;
  // Both are done, the second one's value stays.
  const value = first !== undefined && second !== undefined ? Buffer.concat([first, latin('0'), second]) : first;
  const pickle = checkpointPickle(value ?? latin('N'), random.int(4) === 0);
  return random.int(2) === 0 ? pickle : anyPickle(pickle, random);
}

/** PyTorch files of either format whose work could grow faster than their bytes; the good file stays as often as not. */
export const moveInZip: Mutation = (bytes, random) => {
  const kind = random.int(8);
  if (kind > 1) return zip(archiveEntries(anyMove(random)), random.int(2) === 0);
  const entries = unzip(bytes);
  const count = anySize(random, 3000);
  const more = Array.from({ length: count }, (_, i): ZipEntry => {
    const [one] = entries;
    return {
      name: kind === 0 ? `a/data/${i}` : 'n'.repeat(Math.min(60_000, 2 * count)) + i,
      data: one?.data ?? Buffer.alloc(0),
    };
  });
  // All of them lie at one place of the file.
  return zip([...entries, ...(kind === 0 ? more : more.slice(0, 4))], true);
};

export const moveInLegacy: Mutation = (_, random) => legacyFile(anyMove(random));

/** Headers that are large in one way. */
export const largeHeader: Mutation = (_, random) =>
  headerFile(pick(random, Object.values(headers))(anySize(random, 30_000)));
