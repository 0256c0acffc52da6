import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { writeFileAtomic } from './files.js';
import { machineHash } from './process-identity.js';
import { temporaryFor } from './temporary-files.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-temporary-'));
after(() => rm(dir, { recursive: true, force: true }));

test('an atomic write removes what dead processes of this machine left in its folder, and nothing else', async () => {
  const pid = (number: number): string => number.toString(16).padStart(8, '0');
  const dead = pid(spawnSync(process.execPath, ['--version']).pid);
  const folder = join(dir, 'folder');
  await mkdir(folder);
  const goes = [`a.csv.${machineHash()}${dead}01234567.tmp`, `video.mp4.${machineHash()}${dead}01234567.tmp.mp4`];
  const stays = [
    basename(temporaryFor(join(folder, 'a.csv'))),
    `a.csv.${machineHash()}${pid(process.ppid)}01234567.tmp`,
    // Of another machine, of an early version, of nobody.
    `a.csv.ffffffff${dead}01234567.tmp`,
    'a.csv.0123456789ab.tmp',
    'a.csv.tmp',
  ];
  for (const name of [...goes, ...stays]) await writeFile(join(folder, name), '');
  await writeFileAtomic(join(folder, 'b.csv'), 'text');
  assert.deepEqual((await readdir(folder)).sort(), [...stays, 'b.csv'].sort());
});

test('a name for writing beside a file is never given twice', () => {
  const names = Array.from({ length: 100 }, () => temporaryFor('folder/a'));
  assert.equal(new Set(names).size, 100);
  assert.ok(names.every((name) => /^folder.a\.[0-9a-f]{24}\.tmp$/.test(name)));
});
