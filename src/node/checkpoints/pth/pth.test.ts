import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { memoryFile } from '../../../../test/fuzz/kinds.js';
import { unzip, zip } from '../../../../test/fuzz/zip.js';
import { UserError } from '../../../common/errors.js';
import { bytesOf, toFloat64 } from '../../../safetensors/tensor.js';
import { type CheckpointFile, openCheckpointFile } from '../checkpoint-file.js';
import { type PickleNode, type PickleValue, pickle, pickleCall, pickleGlobal, pickleTuple } from './pickle-writer.js';

const fixture = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../../../../test/fixtures/checkpoints/${name}`, import.meta.url)));

/** A view of storage `key`, of `length` elements of a type. */
function view(
  key: string,
  length: number,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
  type = 'Float',
): PickleNode {
  const storage = pickleTuple('storage', pickleGlobal('torch', `${type}Storage`), key, 'cpu', length);
  return pickleCall(
    pickleGlobal('torch._utils', '_rebuild_tensor_v2'),
    { kind: 'persistent', id: storage },
    offset,
    pickleTuple(...shape),
    pickleTuple(...strides),
    false,
    new Map(),
  );
}

const dict = (entries: Readonly<Record<string, PickleValue>>): PickleValue => new Map(Object.entries(entries));
const floats = (...values: number[]): Buffer => Buffer.from(bytesOf(Float32Array.from(values)));

function archive(root: PickleValue, storages: Readonly<Record<string, Buffer>> = {}): Buffer {
  const data = Object.entries(storages).map(([key, bytes]) => ({ name: `a/data/${key}`, data: bytes }));
  return zip([{ name: 'a/data.pkl', data: Buffer.from(pickle(root)) }, ...data], true);
}

async function read(bytes: Buffer): Promise<CheckpointFile> {
  const opened = await openCheckpointFile(memoryFile('x.pth', bytes));
  return { ...opened, tensors: await opened.read(new Set(opened.tensors.keys())) };
}

async function values(bytes: Buffer): Promise<Record<string, number[]>> {
  const { tensors } = await read(bytes);
  return Object.fromEntries([...tensors].map(([name, tensor]) => [name, [...toFloat64(tensor)]]));
}

async function fails(bytes: Buffer, message: RegExp): Promise<void> {
  await assert.rejects(read(bytes), (error) => {
    assert(error instanceof UserError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

test('views: offsets, strides, expanded and overlapping ones, of every element size', async () => {
  const count = Float32Array.from({ length: 24 }, (_, i) => i);
  const bytes = Buffer.from(bytesOf(count));
  const root = dict({
    permuted: view('0', 24, [4, 2, 3], [1, 12, 4]),
    expanded: view('0', 24, [2, 3], [0, 0], 5),
    every7th: view('0', 24, [3], [7], 2),
    left: view('0', 24, [3], [1], 0),
    right: view('0', 24, [3], [1], 1),
    column: view('0', 24, [3, 1], [1, 99], 20),
    empty: view('0', 24, [0, 5], [5, 1], 24),
    wide: view('1', 6, [3, 2], [1, 3], 0, 'Double'),
    longs: view('2', 4, [2, 2], [1, 2], 0, 'Long'),
    bytes: view('3', 6, [3, 2], [1, 3], 0, 'Byte'),
  });
  const storages = {
    0: bytes,
    1: Buffer.from(bytesOf(Float64Array.of(0, 1, 2, 3, 4, 5))),
    2: Buffer.from(bytesOf(BigInt64Array.of(0n, -1n, 2n, -3n))),
    3: Buffer.of(0, 1, 2, 3, 4, 5),
  };
  const found = await values(archive(root, storages));
  const permuted = [0, 1, 2, 3].flatMap((i) => [0, 1].flatMap((j) => [0, 1, 2].map((k) => i + 12 * j + 4 * k)));
  assert.deepEqual(found, {
    permuted,
    expanded: [5, 5, 5, 5, 5, 5],
    every7th: [2, 9, 16],
    left: [0, 1, 2],
    right: [1, 2, 3],
    column: [20, 21, 22],
    empty: [],
    wide: [0, 3, 1, 4, 2, 5],
    longs: [0, 2, -1, -3],
    bytes: [0, 3, 1, 4, 2, 5],
  });
  // Those that overlap have memory of their own.
  const { tensors } = await read(archive(root, storages));
  tensors.get('left')?.data.fill(255);
  assert.deepEqual([...toFloat64(tensors.get('right') ?? { dtype: 'F32', shape: [0], data: bytes })], [1, 2, 3]);
});

test('tensors that claim more than there is', async () => {
  const one = { 0: floats(1, 2) };
  await fails(archive(dict({ w: view('0', 2, [3], [1]) }), one), /damaged.*tensor "w" reaches beyond the 2 elements/);
  await fails(archive(dict({ w: view('0', 2, [1], [1], 2) }), one), /reaches beyond/);
  await fails(archive(dict({ w: view('0', 2, [2, 2], [2 ** 40, 2 ** 40]) }), one), /reaches beyond/);
  await fails(
    archive(dict({ w: view('0', 9, [9], [1]) }), one),
    /tensor "w" reaches beyond the 8 bytes of its storage/,
  );
  await fails(archive(dict({ w: view('7', 2, [2], [1]) }), one), /storage 7 is not in it/);
  await fails(archive(dict({ w: view('0', 2, [2 ** 31, 2 ** 31], [0, 0]) }), one), /impossibly large/);
  // A single number said to be a gigabyte of it; many tensors of the same bytes
  await fails(
    archive(dict({ w: view('0', 2, [2 ** 28], [0]) }), one),
    /cannot be read: .*claim to be 1073741824 bytes of tensors.*largest is "w"/,
  );
  const copies = Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`w${i}`, view('0', 2, [2 ** 18], [0])]));
  await fails(archive(dict(copies), one), /claim to be/);
});

test('types without a storage of their own: views of bytes, of several sizes at once', async () => {
  const typed = (shape: readonly number[], strides: readonly number[], offset: number, type: string): PickleNode => {
    const storage = pickleTuple('storage', pickleGlobal('torch.storage', 'UntypedStorage'), '0', 'cpu', 16);
    return pickleCall(
      pickleGlobal('torch._utils', '_rebuild_tensor_v3'),
      { kind: 'persistent', id: storage },
      offset,
      pickleTuple(...shape),
      pickleTuple(...strides),
      false,
      new Map(),
      pickleGlobal('torch', type),
    );
  };
  const bytes = { 0: Buffer.from(bytesOf(Uint16Array.of(1, 65535, 3, 4, 5, 6, 7, 8))) };
  const root = dict({
    turned: typed([2, 2], [1, 2], 1, 'uint16'),
    last: typed([1], [1], 3, 'uint32'),
    long: typed([], [], 0, 'uint64'),
  });
  assert.deepEqual(await values(archive(root, bytes)), {
    turned: [65535, 4, 3, 5],
    last: [7 + 8 * 65536],
    long: [Number(1n + (65535n << 16n) + (3n << 32n) + (4n << 48n))],
  });
  await fails(archive(dict({ w: typed([1], [1], 8, 'uint16') }), bytes), /reaches beyond the 8 elements/);
  await fails(archive(dict({ w: typed([1], [1], 0, 'bits8') }), bytes), /has elements of type bits8/);
  const pairs = Float64Array.of(1, -1, 2, -2, 3, -3, 4, -4);
  const complex = dict({ z: view('0', 4, [2, 2], [1, 2], 0, 'ComplexDouble') });
  const z = (await read(archive(complex, { 0: Buffer.from(bytesOf(pairs)) }))).tensors.get('z');
  assert.equal(z?.dtype, 'C128');
  assert.deepEqual(Buffer.from(z.data), Buffer.from(bytesOf(Float64Array.of(1, -1, 3, -3, 2, -2, 4, -4))));
});

test('elements that are not read are named', async () => {
  const bytes = { 0: Buffer.alloc(16) };
  await fails(
    archive(dict({ ok: 1, z: view('0', 2, [2], [1], 0, 'QInt32') }), bytes),
    /tensor "z" has elements of type QInt32, not one of F64/,
  );
  await fails(
    archive(dict({ q: pickleCall(pickleGlobal('torch._utils', '_rebuild_qtensor'), 1) })),
    /tensor "q" is quantized, sparse or without values/,
  );
  // Beside the weights they do no harm.
  const root = dict({ state_dict: dict({ w: view('1', 1, [1], [1]) }), z: view('0', 2, [2], [1], 0, 'QInt32') });
  assert.deepEqual(await values(archive(root, { ...bytes, 1: floats(4) })), { w: [4] });
});

test('weights are found where scripts put them, prefixes of wrappers gone', async () => {
  const w = view('0', 2, [2], [1]);
  const scalar = view('0', 2, [], []);
  const storages = { 0: floats(1, 2) };
  const roots: readonly Readonly<Record<string, PickleValue>>[] = [
    { w },
    { 'module.w': w },
    { '_orig_mod.module.w': w },
    { state_dict: dict({ 'module.w': w }), epoch: 3 },
    { model: dict({ w }), optimizer: dict({ state: dict({ m: w }) }) },
    { model_state_dict: dict({ w }), model: 'poster' },
    { model: dict({ state_dict: dict({ w }) }) },
    { anything: dict({ w }), best_acc: scalar },
    { ema: dict({ w }), epoch: 3 },
    { params: dict({ w }), ema: dict({ v: w }) },
  ];
  for (const root of roots)
    assert.deepEqual(await values(archive(dict(root), storages)), { w: [1, 2] }, Object.keys(root).join());
  // Beside the name itself it is a copy.
  assert.deepEqual(Object.keys(await values(archive(dict({ 'module.w': w, v: w }), storages))), ['w', 'v']);
  assert.deepEqual(Object.keys(await values(archive(dict({ 'module.w': w, w }), storages))), ['module.w', 'w']);
  const { extra } = await read(
    archive(dict({ state_dict: dict({ w }), best_acc: scalar, list: [1, null, 'a'] }), storages),
  );
  assert.deepEqual(extra, { best_acc: 1, list: [1, null, 'a'] });
});

test('files without weights are told what they hold', async () => {
  const storages = { 0: floats(1, 2) };
  const scalar = view('0', 2, [], []);
  const optimizer = dict({ state: dict({ m: view('0', 2, [2], [1]) }) });
  await fails(
    archive(dict({ epoch: 1, best_acc: scalar, optimizer }), storages),
    /holds no weights but epoch, best_acc, optimizer \(the "best" files/,
  );
  await fails(archive(dict({})), /nothing at all/);
  await fails(archive([1]), /holds a list rather than weights/);
  await fails(archive(scalar, storages), /holds a tensor rather/);
  await fails(archive(null), /holds None/);
  const whole = pickleCall(pickleGlobal('script', 'Net'));
  await fails(archive(whole), /whole object of class script\.Net/);
});

test('archives that PyTorch does not write', async () => {
  const good = archive(dict({ w: view('0', 2, [2], [1]) }), { 0: floats(1, 2) });
  const entries = unzip(good);
  const more = (name: string, data: Buffer): Buffer => zip([...entries, { name, data }], true);
  await fails(more('a/byteorder', Buffer.from('big')), /saved on a big-endian machine/);
  assert.deepEqual(await values(more('a/byteorder', Buffer.from('little'))), { w: [1, 2] });
  await fails(more('a/constants.pkl', Buffer.alloc(0)), /a TorchScript program/);
  await fails(
    more('b/data.pkl', Buffer.alloc(0)),
    /a zip archive \(a\/data\.pkl, a\/data\/0, b\/data\.pkl\), but no PyTorch checkpoint/,
  );
  await fails(more('a/data/0', floats(9, 9)), /has a\/data\/0 twice/);
  await fails(more('../x', Buffer.alloc(0)), /the zip archive cannot be read/);
  await fails(zip([{ name: 'weights.pth', data: good }], true), /if there is one inside, unpack it first/);
  const flipped = Buffer.from(good);
  flipped.writeFloatLE(7, good.indexOf(floats(1, 2)));
  await fails(flipped, /bytes are not those that were written \(checksum\)/);
  // Checksums that were turned off are zeros.
  assert.deepEqual(await values(zip(entries, false)), { w: [1, 2] });
  const compressed = Buffer.from(good);
  const directory = good.indexOf('PK\x01\x02', undefined, 'latin1');
  compressed.writeUInt16LE(8, directory + 10);
  await fails(compressed, /a compressed or encrypted zip archive/);
});

test('the old format: big-endian, wrong counts, an unknown version', async () => {
  const good = fixture('state-legacy.pth.tar');
  const patched = (find: string, replace: string, after = 0): Buffer => {
    const copy = Buffer.from(good);
    copy.write(replace, good.indexOf(find, after, 'latin1'), 'latin1');
    return copy;
  };
  await fails(patched('little_endianq\x02\x88', 'little_endianq\x02\x89'), /saved on a big-endian machine/);
  await fails(patched('M\xe9\x03.', 'M\xea\x03.'), /version 1002 of PyTorch's old format/);
  await fails(patched('\x8a\x0al\xfc', '\x8a\x0al\xfd'), /a Python pickle, but no PyTorch checkpoint/);
  const first = good.indexOf('\x18\0\0\0\0\0\0\0', undefined, 'latin1');
  const wrong = Buffer.from(good);
  wrong[first] = 0x17;
  await fails(wrong, /has 23 elements instead of 24/);
  await fails(
    good.subarray(0, good.length - 1),
    /truncated PyTorch checkpoint: 2574 bytes are there, storage \d+ of 15/,
  );
});

test('what is kept of the rest is bounded, however it refers to itself', async () => {
  // { 'w': a tensor, 'b': ((x, x), (x, x)), ... }: 2^60 values when unfolded
  const [tensor] = [pickle(view('0', 1, [1], [1]))];
  const laughs = Buffer.concat([
    Buffer.from('\x80\x02}(X\x01\0\0\0w', 'latin1'),
    tensor.subarray(2, -1),
    Buffer.from('X\x01\0\0\0bN', 'latin1'),
    Buffer.alloc(120, '2\x86', 'latin1'),
    Buffer.from('u.'),
  ]);
  const storage = { name: 'a/data/0', data: floats(1) };
  const { extra, tensors } = await read(zip([{ name: 'a/data.pkl', data: laughs }, storage], true));
  assert.equal(tensors.size, 1);
  assert(JSON.stringify(extra).length < 1_000_000);
  const long = { text: 'x'.repeat(100_000), many: Array.from({ length: 50_000 }, (_, i) => i) };
  const plain = await read(archive(dict({ w: view('0', 1, [1], [1]), ...long }), { 0: floats(1) }));
  const text = JSON.stringify(plain.extra);
  assert(text.length < 500_000 && text.includes('$more'));
});
