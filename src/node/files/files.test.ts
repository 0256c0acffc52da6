import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { explainFileError, readJson, withFile, writeFileAtomic } from './files.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-files-'));
after(() => rm(dir, { recursive: true }));

/** A fresh folder for one test. */
async function folder(name: string): Promise<string> {
  const path = join(dir, name);
  await mkdir(path);
  return path;
}

test('writeFileAtomic writes strings, bytes and chunks, and replaces what was there', async () => {
  const path = join(await folder('write'), 'a');
  await writeFileAtomic(path, 'größer');
  assert.equal(await readFile(path, 'utf8'), 'größer');
  await writeFileAtomic(path, new Uint8Array([1, 2]));
  assert.deepEqual([...(await readFile(path))], [1, 2]);
  await writeFileAtomic(path, [new Uint8Array([3]), new Uint8Array(0), new Uint8Array([4, 5])]);
  assert.deepEqual([...(await readFile(path))], [3, 4, 5]);
  assert.deepEqual(await readdir(join(dir, 'write')), ['a']);
});

test('a failure while writing leaves the previous file and no temporary one', async () => {
  const path = join(await folder('failure'), 'a');
  await writeFileAtomic(path, 'before');
  function* failing(): Generator<Uint8Array> {
    yield new Uint8Array(1000);
    throw new Error('source failed');
  }
  await assert.rejects(writeFileAtomic(path, failing()), { message: 'source failed' });
  assert.equal(await readFile(path, 'utf8'), 'before');
  assert.deepEqual(await readdir(join(dir, 'failure')), ['a']);
});

test('writers of one path at once do not mix their bytes', async () => {
  const path = join(await folder('many'), 'a');
  await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      writeFileAtomic(path, Array<Uint8Array>(20).fill(new Uint8Array(5000).fill(i))),
    ),
  );
  const bytes = await readFile(path);
  assert.equal(bytes.length, 100_000);
  assert.equal(new Set(bytes).size, 1);
  assert.deepEqual(await readdir(join(dir, 'many')), ['a']);
});

test('a file that is replaced keeps its permissions', { skip: process.platform === 'win32' }, async () => {
  const where = await folder('modes');
  const modeAt = async (name: string): Promise<number> => (await lstat(join(where, name))).mode & 0o7777;
  await writeFileAtomic(join(where, 'new'), 'x');
  await writeFile(join(where, 'plain'), 'x');
  assert.equal(await modeAt('new'), await modeAt('plain'));
  async function* writtenWithin(mode: number): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(3);
    const [temporary = ''] = (await readdir(where)).filter((name) => name.endsWith('.tmp'));
    assert.equal((await modeAt(temporary)) & ~mode, 0, 'open to more while it is written');
  }
  // Some that the process's mask takes away from new files, some that it does not.
  for (const mode of [0o600, 0o666, 0o777, 0o440, 0o4755]) {
    await chmod(join(where, 'new'), mode);
    await writeFileAtomic(join(where, 'new'), writtenWithin(mode));
    assert.equal(await modeAt('new'), mode & 0o777);
  }
  // The link is replaced, and what it leads to says nothing about the new file.
  await chmod(join(where, 'new'), 0o600);
  await symlink('new', join(where, 'link'));
  await writeFileAtomic(join(where, 'link'), 'y');
  assert.deepEqual([await modeAt('link'), await modeAt('new')], [await modeAt('plain'), 0o600]);
});

test('devices and pipes are written into, not replaced', { skip: process.platform === 'win32' }, async () => {
  const where = await folder('devices');
  const [pipe, link] = [join(where, 'pipe'), join(where, 'link')];
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  const [text] = await Promise.all([readFile(pipe, 'utf8'), writeFileAtomic(pipe, 'through')]);
  assert.equal(text, 'through');
  // A link, so that a failure of this test replaces no device.
  await symlink('/dev/null', link);
  await writeFileAtomic(link, 'gone');
  assert.equal((await lstat(link)).isSymbolicLink(), true);
  assert.deepEqual((await readdir(where)).sort(), ['link', 'pipe']);
});

test('errors of the file system are sentences', async () => {
  await assert.rejects(writeFileAtomic(join(dir, 'none', 'a'), ''), (error) => {
    assert(error instanceof UserError);
    assert.match(error.message, /^Cannot write .*none.a: the folder .*none does not exist; create it first/);
    return error.kind === 'input';
  });
  await mkdir(join(dir, 'occupied'));
  await assert.rejects(writeFileAtomic(join(dir, 'occupied'), ''), /Cannot write .*: it is a folder/);
  assert.equal((await readdir(dir)).filter((name) => name.endsWith('.tmp')).length, 0);
  const full = explainFileError(Object.assign(new Error(), { code: 'ENOSPC' }), 'write', 'x');
  assert(full instanceof UserError);
  assert.equal(full.kind, 'resources');
  assert.equal(full.message, 'Cannot write x: the disk is full; free some space and run again.');
  const defect = new TypeError('ours');
  assert.equal(explainFileError(defect, 'read', 'x'), defect);
  const argument = Object.assign(new TypeError('ours'), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.equal(explainFileError(argument, 'read', 'x'), argument);
});

test('running out of room half way leaves the previous file', { skip: process.platform === 'win32' }, async () => {
  const where = await folder('limit');
  const path = join(where, 'a');
  await writeFileAtomic(path, 'before');
  // A file size limit stands in for a full disk: a write fails after some have succeeded.
  const script = `import { writeFileAtomic } from ${JSON.stringify(new URL('./files.js', import.meta.url).href)};
    try { await writeFileAtomic(${JSON.stringify(path)}, Array(100).fill(new Uint8Array(10_000))); }
    catch (error) { console.log(error.name, error.kind, error.message); }`;
  const scriptPath = join(where, 'script.mjs');
  await writeFile(scriptPath, script);
  const run = spawnSync('sh', ['-c', 'ulimit -f 100; exec "$0" "$1"', process.execPath, scriptPath], {
    encoding: 'utf8',
  });
  assert.match(
    run.stdout,
    /^UserError resources Cannot write .*: it would exceed the largest file allowed here/,
    run.stderr,
  );
  assert.equal(await readFile(path, 'utf8'), 'before');
  assert.deepEqual((await readdir(where)).sort(), ['a', 'script.mjs']);
});

test('withFile reads ranges and refuses what is no regular file or ends early', async () => {
  const path = join(await folder('read'), 'a');
  await writeFile(path, 'abcdef');
  const text = await withFile(path, async (file) => Buffer.from(await file.read(2, 3)).toString() + file.size);
  assert.equal(text, 'cde6');
  await assert.rejects(
    withFile(path, (file) => file.read(3, 1e12)),
    /a ends early, at 6 bytes: it is truncated/,
  );
  await assert.rejects(
    withFile(dir, async () => 0),
    /Cannot read .*: it is a folder/,
  );
  await assert.rejects(
    withFile(join(dir, 'nothing'), async () => 0),
    /Cannot read .*: there is no such file/,
  );
  if (process.platform !== 'win32') {
    await assert.rejects(
      withFile('/dev/zero', async () => 0),
      /not a regular file/,
    );
  }
});

test('readJson names the file and the first place that does not fit', async () => {
  const path = join(await folder('json'), 'a.json');
  const schema = z.object({ labels: z.array(z.string()) });
  await writeFile(path, '{"labels": ["a"]}');
  assert.deepEqual(await readJson(path, schema), { labels: ['a'] });
  await writeFile(path, '{"labels": ["a", 7]}');
  await assert.rejects(readJson(path, schema), (error) => {
    assert(error instanceof UserError);
    assert.match(error.message, /a\.json does not have the expected content: at labels\.1: .*string/);
    return true;
  });
  await writeFile(path, '{"labels": \u0007\n\u001b[31m');
  await assert.rejects(readJson(path, schema), (error) => {
    assert(error instanceof UserError);
    assert.match(error.message, /a\.json is not valid JSON/);
    assert.doesNotMatch(error.message, /\p{Cc}/u);
    return true;
  });
  await assert.rejects(
    readJson(join(dir, 'missing.json'), schema),
    /Cannot read .*missing\.json: there is no such file/,
  );
});

test('printable keeps text, drops control characters, bounds the length', () => {
  assert.equal(printable('Überraschung'), 'Überraschung');
  assert.equal(printable('a\u001b[2Jb\u202ec\n\u0085'), 'a\ufffd[2Jb\ufffdc\ufffd\ufffd');
  assert.equal(printable('x'.repeat(500)).length, 120);
  // Persian with its zero-width non-joiner, Hindi with a joiner, emoji joined to one.
  for (const text of ['خوش\u200cحال', 'क्\u200dष', '👨\u200d👩']) assert.equal(printable(text), text);
  assert.equal(printable('😀😀😀', 4), '😀…');
});
