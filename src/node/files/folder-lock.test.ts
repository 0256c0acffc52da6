import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fsp, { type FileHandle, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../../common/errors.js';
import { claimFolder, type FolderLock, lockFileName, lockFolder } from './folder-lock.js';
import { type ProcessIdentity, stateOf, thisProcess } from './process-identity.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-lock-'));
after(() => rm(dir, { recursive: true, force: true }));

const own = await thisProcess();
/** Of a process that has ended. */
const deadPid = spawnSync(process.execPath, ['--version']).pid;

async function lockedBy(name: string, process: Partial<ProcessIdentity>): Promise<string> {
  const folder = join(dir, name);
  await mkdir(folder);
  const lock = { ...own, ...process, since: '2026-01-02T03:04:05.000Z' };
  await writeFile(join(folder, lockFileName), JSON.stringify(lock));
  return folder;
}

const refusal = (sentence: RegExp) => (error: unknown) => error instanceof UserError && sentence.test(error.message);

test('a folder is locked for one at a time, and free again when it is released', async () => {
  const folder = join(dir, 'one');
  await mkdir(folder);
  const lock = await lockFolder(folder);
  await assert.rejects(
    lockFolder(folder),
    refusal(new RegExp(`^Process ${process.pid} has been writing into .*one since`)),
  );
  await lock.release();
  assert.deepEqual(await readdir(folder), []);
  await (await lockFolder(folder)).release();
});

test('the lock of a process that is gone, or whose number another has now, is taken over', async () => {
  const gone: Partial<ProcessIdentity>[] = [
    { pid: deadPid },
    ...(own.started === null ? [] : [{ pid: process.pid, started: '1' }]),
    ...(own.boot === null || !own.machine ? [] : [{ pid: process.pid, boot: 'of before' }]),
  ];
  for (const [i, process] of gone.entries()) {
    const folder = await lockedBy(`gone-${i}`, process);
    const lock = await lockFolder(folder);
    assert.match(await readFile(join(folder, lockFileName), 'utf8'), new RegExp(`"pid":${own.pid}\\b`));
    await lock.release();
    assert.deepEqual(await readdir(folder), []);
  }
});

test('one that was cut off by a kill is taken over', async () => {
  const folder = join(dir, 'cut');
  await mkdir(folder);
  await writeFile(join(folder, lockFileName), '{"pid":1');
  await (await lockFolder(folder)).release();
});

test('one of another machine is refused, and the sentence says how to remove it', async () => {
  for (const [i, other] of [{ host: 'gpu\u001b1' }, { machine: 'another' }].entries()) {
    const folder = await lockedBy(`elsewhere-${i}`, { pid: deadPid, ...other });
    await assert.rejects(
      lockFolder(folder),
      refusal(
        /^Process \d+ of '(gpu\ufffd1|[^']+)', another machine or container, .* or remove .*poster\.lock if that process is gone\.$/,
      ),
    );
  }
});

test('another start of the system says that a process is gone only where the machine is certainly the same', async () => {
  const of = (machine: string | null, boot: string | null) => ({ host: 'worker', machine, boot, namespace: 'pid:[1]' });
  for (const [machine, before, now, state] of [
    ['3d1219c7', 'first', 'second', 'gone'],
    [null, 'first', 'second', 'elsewhere'],
    ['', 'first', 'second', 'elsewhere'],
    ['uninitialized', 'first', 'second', 'elsewhere'],
    ['3d1219c7', null, 'second', 'elsewhere'],
    ['3d1219c7', 'first', null, 'elsewhere'],
    [null, 'first', 'first', 'running'],
  ] as const) {
    const writer = { ...of(machine, before), pid: process.pid, started: own.started };
    assert.equal(await stateOf(writer, of(machine, now)), state, `${machine}: ${before}, ${now}`);
  }
});

test('of many that take over at once, one succeeds', async () => {
  for (let round = 0; round < 5; round++) {
    const folder = await lockedBy(`race-${round}`, { pid: deadPid });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
    const locks = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    assert.equal(locks.length, 1);
    await Promise.all(locks.map((lock) => lock.release()));
    assert.deepEqual(await readdir(folder), []);
  }
});

/** Something that happens around each time that a file is opened while a folder is locked. */
async function lockAmid(
  folder: string,
  around: (path: string, flags: string, opened: () => Promise<FileHandle>) => Promise<FileHandle>,
): Promise<FolderLock> {
  const { open } = fsp;
  Object.assign(fsp, { open: (path: string, flags: string) => around(path, flags, () => open(path, flags)) });
  syncBuiltinESMExports();
  try {
    return await lockFolder(folder);
  } finally {
    Object.assign(fsp, { open });
    syncBuiltinESMExports();
  }
}

test('a lock that another process took aside by mistake, and put back, is held', async () => {
  const folder = await lockedBy('mistaken', { pid: deadPid });
  const path = join(folder, lockFileName);
  let isNew = false;
  const lock = await lockAmid(folder, async (file, flags, opened) => {
    if (!isNew) {
      const handle = await opened();
      isNew = flags === 'wx';
      return handle;
    }
    // The first look at it.
    isNew = false;
    await fsp.rename(path, `${path}.aside`);
    try {
      assert.equal(file, path);
      return await opened();
    } finally {
      await fsp.rename(`${path}.aside`, path);
    }
  });
  assert.deepEqual(await readdir(folder), [lockFileName]);
  await lock.release();
  assert.deepEqual(await readdir(folder), []);
});

test('a lock that has taken the place of an old one meanwhile stays where it is', async () => {
  const folder = await lockedBy('replaced', { pid: deadPid });
  const path = join(folder, lockFileName);
  const theirs = JSON.stringify({ ...own, since: '2026-01-02T03:04:06.000Z' });
  const { ino } = await fsp.stat(path);
  let isRead = false;
  const locking = lockAmid(folder, async (_, flags, opened) => {
    const handle = await opened();
    if (isRead || flags !== 'r') return handle;
    isRead = true;
    const close = handle.close.bind(handle);
    return Object.assign(handle, { close: () => close().then(() => writeFile(path, theirs)) });
  });
  await assert.rejects(locking, refusal(/^Process \d+ has been writing into .*replaced since 2026-01-02T03:04:06/));
  assert.equal(await readFile(path, 'utf8'), theirs);
  assert.equal((await fsp.stat(path)).ino, ino);
  assert.deepEqual(await readdir(folder), [lockFileName]);
});

test('a process that has ended and was not asked about is gone', { skip: platform() !== 'linux' }, async () => {
  // The shell, replaced by a program of the same process, never asks about its child.
  const script = 'sleep 0.3 & echo $!; exec sleep 10';
  const { spawn } = await import('node:child_process');
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const pid = await new Promise<number>((resolve) => child.stdout.once('data', (data) => resolve(Number(data))));
  while ((await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ')[2] !== 'Z')
    await new Promise((done) => setTimeout(done, 5));
  assert.equal(await stateOf({ ...own, pid, started: null }), 'gone');
  child.kill();
});

test('a claimed folder is free of what killed processes left, and goes where it stays empty', async () => {
  const made = await claimFolder(join(dir, 'made', 'below'), ['last']);
  await made.leave();
  assert.ok(!(await readdir(dir)).includes('made'));
  const folder = join(dir, 'claimed');
  await mkdir(folder);
  const stay = ['last', 'last.tmp', 'other.0123456789ab.tmp', 'last.0123456789a.tmp'];
  for (const name of [...stay, 'last.0123456789ab.tmp', `last.${'0123abcd'.repeat(3)}.tmp`]) {
    await writeFile(join(folder, name), '');
  }
  await (await claimFolder(folder, ['last'])).leave();
  assert.deepEqual((await readdir(folder)).sort(), stay.sort());
});
