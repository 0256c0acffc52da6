import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../common/errors.js';
import { settingsMarkdown } from './event-content.js';
import { maskedCrc, openEvents, tfRecord } from './tensorboard.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-events-'));
after(() => rm(dir, { recursive: true }));

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** Undoes the turning of a checksum. */
const unmasked = (masked: number): number => {
  const turned = (masked - 0xa282ead8) >>> 0;
  return ((turned >>> 17) | (turned << 15)) >>> 0;
};

test('checksums are those of RFC 3720, B.4', () => {
  const crc = (bytes: Iterable<number>): string => unmasked(maskedCrc(Uint8Array.from(bytes))).toString(16);
  assert.equal(crc(new Uint8Array(32)), '8a9136aa');
  assert.equal(crc(new Uint8Array(32).fill(0xff)), '62a8ab43');
  assert.equal(crc(Uint8Array.from({ length: 32 }, (_, i) => i)), '46dd794e');
  assert.equal(crc(Buffer.from('123456789')), 'e3069283');
});

test('a file begins as those of TensorFlow, byte by byte', async () => {
  const file = openEvents(join(dir, 'bytes'), { wallTime: 1, from: 300 });
  file.scalars(3, { a: 0.5, none: null, broken: Number.NaN }, 2);
  file.scalars(4, { nothing: null });
  file.close();
  const bytes = hex(await readFile(file.path));
  // 24 bytes follow; a37f4b22 is how every event file of TensorFlow begins after the length.
  assert.equal(bytes.slice(0, 24), '1800000000000000a37f4b22');
  const version = `09${'000000000000f03f'}1a0d${hex(Buffer.from('brain.Event:2'))}`;
  const start = `09${'000000000000f03f'}10ac023a020801`;
  const scalar = `09${'0000000000000040'}10032a0a0a080a01611500${'00003f'}`;
  assert.equal(bytes, [version, start, scalar].map((event) => hex(tfRecord(Buffer.from(event, 'hex')))).join(''));
});

test('records hold their data, its length and the checksums of both', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
      const record = Buffer.from(tfRecord(data));
      assert.equal(record.length, data.length + 16);
      assert.equal(record.readBigUInt64LE(0), BigInt(data.length));
      assert.equal(record.readUInt32LE(8), maskedCrc(record.subarray(0, 8)));
      assert.deepEqual(new Uint8Array(record.subarray(12, 12 + data.length)), data);
      assert.equal(record.readUInt32LE(12 + data.length), maskedCrc(data));
    }),
  );
});

test('files of one second have names of their own, in order of time', async () => {
  const folder = join(dir, 'names');
  const paths = [10, 10, 9_999_999_999].map((wallTime) => {
    const file = openEvents(folder, { wallTime });
    file.close();
    return file.path;
  });
  assert.equal(new Set(paths).size, 3);
  const names = await readdir(folder);
  assert.deepEqual(names.toSorted().at(-1), paths[2]?.slice(folder.length + 1));
  assert.ok(names.every((name) => name.includes('tfevents')));
});

test('a file comes after those that are there, also where the clock was set back', async () => {
  const folder = join(dir, 'clock');
  const files = [2000, 1000, 1000, 3000].map((wallTime) => openEvents(folder, { wallTime }));
  for (const file of files) file.close();
  const paths = files.map(({ path }) => path);
  assert.deepEqual(paths.toSorted(), paths);
});

test('a folder that cannot be is a sentence', () => {
  assert.throws(
    () => openEvents('/dev/null/events'),
    (error) => error instanceof UserError && /^Cannot write \/dev\/null/.test(error.message),
  );
});

test('settings are a table, whatever is in them', () => {
  assert.equal(
    settingsMarkdown({ lr: 0.1, data: 'a|b\n<i>' }),
    '| option | value |\n|---|---|\n| lr | 0.1 |\n| data | "a\\|b\\\\n\\<i\\>" |',
  );
});
