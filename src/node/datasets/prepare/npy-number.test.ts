import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../../common/errors.js';
import { failsWith, npy, temporaryFolder, writeTree } from '../helpers.test.js';
import { parseNpyNumber, readNpyNumber } from './npy-number.js';

const number = (descr: string, data: Buffer, shape = ''): number => parseNpyNumber(npy(descr, data, shape), 'x.npy');

test('one number, in every type that holds one', () => {
  const bytes = (size: number, write: (buffer: Buffer) => void): Buffer => {
    const buffer = Buffer.alloc(size);
    write(buffer);
    return buffer;
  };
  assert.equal(
    number(
      '<i8',
      bytes(8, (to) => to.writeBigInt64LE(7n)),
    ),
    7,
  );
  assert.equal(
    number(
      '>i4',
      bytes(4, (to) => to.writeInt32BE(-3)),
    ),
    -3,
  );
  assert.equal(number('|u1', Buffer.of(200)), 200);
  assert.equal(
    number(
      '<u2',
      bytes(2, (to) => to.writeUInt16LE(65535)),
      '1,',
    ),
    65535,
  );
  assert.equal(
    number(
      '<f4',
      bytes(4, (to) => to.writeFloatLE(2.5)),
      '1, 1',
    ),
    2.5,
  );
  assert.equal(
    number(
      '>f8',
      bytes(8, (to) => to.writeDoubleBE(6)),
    ),
    6,
  );
  // AffectNet's own: numpy.array('3').
  assert.equal(number('<U1', Buffer.from('3\0\0\0')), 3);
  assert.equal(number('<U4', Buffer.from('-\0\0\x000\0\0\0.\0\0\x005\0\0\0')), -0.5);
  assert.equal(number('|S3', Buffer.from('10\0')), 10);
});

test('version 1 with exactly the bytes that NumPy writes', () => {
  const header = "{'descr': '<U1', 'fortran_order': False, 'shape': (), }";
  const file = Buffer.concat([
    Buffer.from('\x93NUMPY\x01\0\x76\0', 'latin1'),
    Buffer.from(`${header.padEnd(117)}\n`),
    Buffer.from('5\0\0\0'),
  ]);
  assert.equal(file.length, 132);
  assert.equal(parseNpyNumber(file, 'x.npy'), 5);
});

test('what is something else is refused, and said', async (context) => {
  const three = Buffer.from('3\0\0\0');
  for (const [bytes, why] of [
    [Buffer.from('PK\x03\x04'), 'is not a NumPy file'],
    [Buffer.alloc(0), 'is not a NumPy file'],
    [Buffer.from('\x93NUMPY\x09\0', 'latin1'), 'version 9'],
    [Buffer.from('\x93NUMPY\x01\0', 'latin1'), 'truncated'],
    [Buffer.from('\x93NUMPY\x02\0\xff\xff\xff\xff{', 'latin1'), 'truncated'],
    [npy('<U1', three).subarray(0, -1), 'has 3 bytes behind its header'],
    [npy('<U1', three, '2,'), 'shape (2)'],
    [npy('<U1', three, '0'), 'shape (0)'],
    [npy('<U999999', three), "has 4 bytes behind its header where the type 'U999999' has 3999996"],
    [npy('|O', Buffer.from('cos\nsystem\n')), 'something else'],
    [npy('|O8', Buffer.from('cos\nsystem\n')), 'Python object'],
    [npy('<c8', Buffer.alloc(8)), "'c8'"],
    [npy('|b1', Buffer.of(1)), "'b1'"],
    [npy('<U0', Buffer.alloc(0)), "'U0'"],
    [npy('<U1', Buffer.from('x\0\0\0')), "holds 'x'"],
    [npy('<U1', Buffer.from([255, 255, 255, 255])), 'not a number'],
    [npy("<i4'), ('b', '<i4", Buffer.alloc(8)), 'something else'],
  ] as const) {
    await failsWith(() => parseNpyNumber(bytes, 'x.npy'), 'x.npy', why);
  }
  const root = await temporaryFolder(context);
  await writeTree(root, { 'big.npy': Buffer.alloc(70_000), 'ok.npy': npy('<U1', three) });
  await failsWith(() => readNpyNumber(join(root, 'big.npy')), '70000 bytes');
  await failsWith(() => readNpyNumber(join(root, 'none.npy')), 'no such file');
  assert.equal(await readNpyNumber(join(root, 'ok.npy')), 3);
});

test('hostile files give a number or a UserError', () => {
  const good = npy('<U1', Buffer.from('3\0\0\0'));
  const mutated = fc
    .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    .map((changes) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
  const made = fc
    .tuple(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), fc.uint8Array({ maxLength: 16 }))
    .map(([descr, shape, data]) => npy(descr, Buffer.from(data), shape));
  const cut = fc.nat(good.length).map((length) => good.subarray(0, length));
  fc.assert(
    fc.property(fc.oneof(mutated, made, cut, fc.uint8Array()), (bytes) => {
      try {
        assert.equal(typeof parseNpyNumber(bytes, 'x.npy'), 'number');
      } catch (error) {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, /^x\.npy [^\n]+\.$/);
      }
    }),
    { numRuns: 3000 },
  );
});
