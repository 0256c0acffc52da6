import assert from 'node:assert/strict';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../common/errors.js';
import { parseSafetensors, safetensorsChunks } from '../../safetensors/safetensors.js';
import { bytesOf, type Dtype, elementBytes, elementCount, isDtype, type Tensor } from '../../safetensors/tensor.js';
import { readHeader, readSafetensors, writeSafetensors } from './safetensors-file.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-safetensors-'));
after(() => rm(dir, { recursive: true }));

const dtypes = Object.keys(elementBytes).filter(isDtype);

const names = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom('__proto__', '0', '1', 'toString', 'a"b', '\\'),
);

const tensors: fc.Arbitrary<Tensor> = fc
  .record({
    dtype: fc.constantFrom<Dtype>(...dtypes),
    shape: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
  })
  .chain(({ dtype, shape }) => {
    const length = elementCount(shape) * elementBytes[dtype];
    return fc.uint8Array({ minLength: length, maxLength: length }).map((data) => ({ dtype, shape, data }));
  });

const contents = fc.record({
  tensors: fc
    .uniqueArray(fc.tuple(names, tensors), { maxLength: 8, selector: ([name]) => name })
    .map((entries) => new Map(entries.filter(([name]) => name !== '__metadata__'))),
  metadata: fc
    .array(fc.tuple(fc.string({ unit: 'binary' }), fc.string()), { maxLength: 3 })
    .map((entries) => new Map(entries.filter(([key]) => key !== '__proto__'))),
});

const encode = (...args: Parameters<typeof safetensorsChunks>): Buffer =>
  Buffer.concat([...safetensorsChunks(...args)]);

/** A file with this header text, unpadded, and so many bytes of data. */
function raw(header: string | Uint8Array, dataBytes = 0): Buffer {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

const parse = (bytes: Uint8Array): ReturnType<typeof parseSafetensors> => parseSafetensors(bytes, 'a.safetensors');

test('what is written is read back, in memory', () => {
  fc.assert(
    fc.property(contents, ({ tensors, metadata }) => {
      const read = parse(encode(tensors, metadata));
      assert.deepEqual(read.metadata, metadata);
      assert.deepEqual(new Set(read.tensors.keys()), new Set(tensors.keys()));
      for (const [name, { dtype, shape, data }] of tensors) {
        const found = read.tensors.get(name);
        assert.equal(found?.dtype, dtype);
        assert.deepEqual(found?.shape, shape);
        assert.deepEqual([...(found?.data ?? [])], [...data]);
      }
    }),
    { numRuns: 200 },
  );
});

test('what is written is read back, from a file; its offsets point at the bytes, aligned', async () => {
  const path = join(dir, 'property');
  await fc.assert(
    fc.asyncProperty(contents, async ({ tensors, metadata }) => {
      await writeSafetensors(path, tensors, metadata);
      const bytes = await readFile(path);
      assert.deepEqual(bytes, encode(tensors, metadata));
      const header = await readHeader(path);
      assert.deepEqual(header.metadata, metadata);
      const read = await readSafetensors(path);
      for (const [name, { dtype, data }] of tensors) {
        const entry = header.tensors.get(name);
        assert(entry !== undefined);
        assert.deepEqual([...bytes.subarray(entry.offset, entry.offset + entry.byteLength)], [...data]);
        assert.equal(entry.offset % elementBytes[dtype], 0);
        assert.deepEqual(Buffer.from(read.tensors.get(name)?.data ?? []), Buffer.from(data));
      }
    }),
    { numRuns: 30 },
  );
});

test('what the format has no type for is not written, by name', async () => {
  const z: Tensor = { dtype: 'C128', shape: [1], data: new Uint8Array(16) };
  await assert.rejects(
    async () => writeSafetensors(join(dir, 'complex'), new Map([['z', z]])),
    /Tensor "z" holds C128 values, for which safetensors has no type/,
  );
});

test('layout: data at a multiple of 64, wider elements first, otherwise in the order given', async () => {
  const tensor = (dtype: Dtype): Tensor => ({ dtype, shape: [1], data: new Uint8Array(elementBytes[dtype]) });
  const path = join(dir, 'layout');
  await writeSafetensors(
    path,
    new Map([
      ['byte', tensor('U8')],
      ['b', tensor('F32')],
      ['count', tensor('I64')],
      ['a', tensor('F32')],
    ]),
    new Map([['by', 'test']]),
  );
  const { tensors } = await readHeader(path);
  assert.deepEqual([...tensors.keys()], ['count', 'b', 'a', 'byte']);
  assert.equal((tensors.get('count')?.offset ?? 1) % 64, 0);
  const text = (await readFile(path)).subarray(8).toString('latin1');
  assert(text.startsWith('{"__metadata__":{"by":"test"},"count":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}'));
});

test('only wanted tensors are read', async () => {
  const path = join(dir, 'wanted');
  const one: Tensor = { dtype: 'U8', shape: [2], data: new Uint8Array([1, 2]) };
  await writeSafetensors(path, new Map(Object.entries({ a: one, b: one, c: one })));
  const { tensors } = await readSafetensors(path, (name) => name === 'b');
  assert.deepEqual([...tensors.keys()], ['b']);
});

test('tensors parsed from memory are views', () => {
  const bytes = encode(new Map([['a', { dtype: 'F32', shape: [1], data: bytesOf(new Float32Array([1])) }]]));
  const view = parse(bytes).tensors.get('a')?.data;
  assert.equal(view?.buffer, bytes.buffer);
});

test('a header of the published library is read: space padded, in its own key order, with unknown keys', () => {
  const json =
    '{"b":{"dtype":"U8","data_offsets":[4,5],"shape":[]},"a":{"shape":[1],"dtype":"F32","data_offsets":[0,4],"x":0}}   ';
  assert.deepEqual([...parse(raw(json, 5)).tensors.keys()], ['a', 'b']);
  assert.equal(parse(raw('{}')).tensors.size, 0);
});

const entry = (begin: number, end: number, shape = `[${end - begin}]`, dtype = 'U8'): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

const hostile: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
  ['empty', Buffer.alloc(0), /it is empty/],
  ['tiny', Buffer.alloc(5), /it has only 5 bytes/],
  ['header longer than the file', Buffer.from('ff00000000000000', 'hex'), /claims 255 bytes of a file of 8 bytes/],
  ['header length of 2^64 - 1', Buffer.alloc(100, 255), /claims 18446744073709551615 bytes/],
  ['no header', Buffer.alloc(8), /not JSON/],
  ['not JSON', raw('{"a":'), /its header is not JSON/],
  ['not UTF-8', raw(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), /its header is not JSON/],
  ['byte order mark', raw('\ufeff{}'), /its header is not JSON/],
  ['leading space', raw(' {}'), /not a JSON object/],
  ['array', raw('[]'), /not a JSON object/],
  ['null', raw('null'), /not a JSON object/],
  [
    'deep nesting',
    raw(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
    /its header is nested deeper than 64 levels/,
  ],
  ['a list within bounds', raw(`{"a":[${'0,'.repeat(1000)}0]}`), /tensor "a" is described wrongly/],
  ['many values', raw(`{"a":[${'0,'.repeat(1_000_000)}0]}`), /its header has more than 1000000 values/],
  ['many objects', raw(`{"a":[${'{},'.repeat(600_000)}{}]}`), /its header has more than 1000000 values/],
  [
    'many tensors',
    raw(`{${Array.from({ length: 50_001 }, (_, i) => `"${i}":${entry(0, 0)}`).join()}}`),
    /it has 50001 tensors, and 50000 are read at most/,
  ],
  [
    'much metadata',
    raw(`{"__metadata__":{${Array.from({ length: 10_001 }, (_, i) => `"${i}":""`).join()}}}`),
    /its metadata has 10001 entries/,
  ],
  ['long name', raw(`{"${'a'.repeat(1001)}":${entry(0, 1)}}`, 1), /has a name of 1001 characters/],
  ['many dimensions', raw(`{"a":${entry(0, 1, `[${'1,'.repeat(64)}1]`)}}`, 1), /"a" has 65 dimensions/],
  [
    'long header',
    Buffer.concat([Buffer.from([0, 0, 0, 2, 0, 0, 0, 0]), Buffer.alloc(2 ** 25, 32)]),
    /claims 33554432 bytes of a file of 33554440 bytes, and 16777216 are read at most/,
  ],
  ['entry without shape', raw('{"a":{"dtype":"U8","data_offsets":[0,0]}}'), /"a" is described wrongly \(at shape/],
  ['entry not an object', raw('{"a":3}'), /"a" is described wrongly/],
  ['metadata not strings', raw('{"__metadata__":{"a":1}}'), /its metadata is not made of strings \(at a/],
  ['unknown dtype', raw(`{"a":${entry(0, 1, '[1]', 'F4')}}`, 1), /has data type "F4", not one of F64, F32/],
  ['PyTorch dtype', raw(`{"a":${entry(0, 16, '[1]', 'C128')}}`, 16), /has data type "C128"/],
  ['dtype of the prototype', raw(`{"a":${entry(0, 1, '[1]', 'toString')}}`, 1), /has data type "toString"/],
  ['negative dimension', raw(`{"a":${entry(0, 1, '[-1,-1]')}}`, 1), /described wrongly \(at shape\.0/],
  ['fractional dimension', raw(`{"a":${entry(0, 1, '[0.5,2]')}}`, 1), /described wrongly \(at shape\.0/],
  ['huge number', raw(`{"a":${entry(0, 1, '[1e400]')}}`, 1), /described wrongly \(at shape\.0/],
  ['product overflow', raw(`{"a":${entry(0, 0, '[4294967296,4294967296,4294967296]')}}`), /impossibly large shape/],
  ['bytes overflow', raw(`{"a":${entry(0, 0, '[9007199254740991]', 'F64')}}`), /impossibly large shape/],
  ['reversed offsets', raw(`{"a":${entry(4, 0, '[4]')}}`, 4), /4 bytes is said to lie in bytes 4 to 0/],
  ['size unlike shape', raw(`{"a":${entry(0, 4, '[1]')}}`, 4), /of 1 bytes is said to lie in bytes 0 to 4/],
  ['out of range', raw(`{"a":${entry(0, 9)}}`, 4), /it is truncated/],
  ['far out of range', raw(`{"a":${entry(2 ** 52, 2 ** 52 + 4, '[4]')}}`, 4), /"a" leaves a gap/],
  ['overlap', raw(`{"a":${entry(0, 4)},"b":${entry(2, 6)}}`, 6), /"b" overlaps/],
  ['same place', raw(`{"a":${entry(0, 4)},"b":${entry(0, 4)}}`, 4), /"b" overlaps/],
  ['hole', raw(`{"a":${entry(0, 2)},"b":${entry(4, 6)}}`, 6), /"b" leaves a gap/],
  ['hole at the start', raw(`{"a":${entry(2, 4)}}`, 4), /"a" leaves a gap/],
  ['trailing bytes', raw(`{"a":${entry(0, 2)}}`, 4), /2 bytes follow the last tensor/],
  ['duplicate name', raw(`{"a":${entry(0, 2)},"b":${entry(2, 4)},"a":${entry(0, 2)}}`, 4), /has "a" twice/],
  ['duplicate name, escaped', raw(`{"a":${entry(0, 2)},"\\u0061" : ${entry(0, 2)}}`, 2), /has "a" twice/],
  ['duplicate field', raw('{"a":{"dtype":"U8","shape":[0],"shape":[0],"data_offsets":[0,0]}}'), /has "shape" twice/],
  ['control characters in a name', raw('{"\\u001b[2J":3}'), /tensor "\ufffd\[2J"/],
  ['PyTorch zip', Buffer.from('PK\x03\x04\x14\0\0\0\x08\x08archive/data.pkl'), /but a zip archive, such as a PyTorch/],
  ['PyTorch pickle', Buffer.from('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.', 'latin1'), /but a Python pickle/],
  ['Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0'), /but a Git LFS pointer/],
  ['web page', Buffer.from('<!DOCTYPE html><html></html>'), /but a web page/],
];

test('hostile files get a sentence, from memory and from disk', async () => {
  const path = join(dir, 'hostile');
  for (const [what, bytes, message] of hostile) {
    const check = (error: unknown): boolean => {
      assert(error instanceof UserError, `${what}: ${error}`);
      assert.match(error.message, message, what);
      assert.doesNotMatch(error.message, /\p{Cc}/u, what);
      return true;
    };
    assert.throws(() => parse(bytes), check, what);
    await writeFile(path, bytes);
    await assert.rejects(readHeader(path), check, what);
    await assert.rejects(readSafetensors(path), check, what);
  }
});

test('repeated keys deeper down and in arrays are no duplicates', () => {
  const two =
    '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":[{"y":1},{"y":1}]},"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}';
  assert.equal(parse(raw(two)).tensors.size, 2);
  assert.equal(parse(raw('{"__metadata__":{"a":"a","b":"\\\\","\\"c":"a"}}')).metadata.size, 3);
});

test('damaged files are refused with a UserError or read within their bounds', () => {
  const mutations = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('set'), at: fc.nat(), value: fc.nat({ max: 255 }) }),
      fc.record({ kind: fc.constant('digit'), at: fc.nat(), value: fc.nat({ max: 255 }) }),
      fc.record({ kind: fc.constant('cut'), at: fc.nat(), value: fc.nat() }),
      fc.record({ kind: fc.constant('insert'), at: fc.nat(), value: fc.nat({ max: 255 }) }),
    ),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(contents, mutations, ({ tensors, metadata }, changes) => {
      let bytes: Buffer = encode(tensors, metadata);
      for (const { kind, at, value } of changes) {
        const position = at % (bytes.length + 1);
        if (kind === 'cut') bytes = bytes.subarray(0, position);
        else if (kind === 'insert') {
          bytes = Buffer.concat([bytes.subarray(0, position), Buffer.from([value]), bytes.subarray(position)]);
        } else if (kind === 'set') bytes[position] = value;
        else {
          // Digits of the JSON are where the dangerous claims are.
          const digits = [...bytes.entries()].filter(([i, byte]) => i >= 8 && byte >= 48 && byte < 58);
          const [index] = digits[at % Math.max(1, digits.length)] ?? [];
          if (index !== undefined) bytes[index] = 48 + (value % 10);
        }
      }
      try {
        const read = parse(bytes);
        let total = 0;
        for (const { dtype, shape, data } of read.tensors.values()) {
          assert.equal(data.byteLength, elementCount(shape) * elementBytes[dtype]);
          total += data.byteLength;
        }
        assert(total <= bytes.length);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});

test('any JSON object as header is refused with a UserError or read', () => {
  const odd = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, 4, 2 ** 53), fc.string());
  const claims = fc.record(
    {
      dtype: fc.oneof(fc.constantFrom(...dtypes), fc.string()),
      shape: fc.oneof(fc.array(odd), fc.constant([4])),
      data_offsets: fc.oneof(fc.array(odd), fc.constant([0, 4])),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.dictionary(names, fc.oneof(claims, fc.jsonValue())), fc.nat({ max: 16 }), (header, data) => {
      try {
        parse(raw(JSON.stringify(header), data));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

test('a large claim costs nothing: a sparse file of 1 TB is described without being read', async () => {
  const path = join(dir, 'sparse');
  const size = 2 ** 40;
  const bytes = raw(`{"a":${entry(0, size)}}`);
  const file = await open(path, 'w');
  await file.write(bytes);
  try {
    await file.truncate(bytes.length + size);
  } catch {
    return; // This file system has no files of that size.
  } finally {
    await file.close();
  }
  assert.equal((await readHeader(path)).tensors.get('a')?.byteLength, size);
});

test('misuse by our own code is an error before anything is written', async () => {
  const wrong: Tensor = { dtype: 'F32', shape: [2], data: new Uint8Array(4) };
  assert.throws(() => encode(new Map([['a', wrong]])), RangeError);
  assert.throws(() => encode(new Map([['__metadata__', { ...wrong, shape: [1] }]])), Error);
  await assert.rejects(writeSafetensors(join(dir, 'never'), new Map([['a', wrong]])), RangeError);
  await assert.rejects(readFile(join(dir, 'never')), { code: 'ENOENT' });
});
