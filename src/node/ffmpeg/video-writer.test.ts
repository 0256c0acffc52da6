import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VideoWriter } from './video-writer.js';

const there = spawnSync('ffmpeg', ['-version']).status === 0;
const needsFfmpeg = { skip: there ? false : 'ffmpeg is not installed here' };

test('a video that cannot have its name leaves no file', needsFfmpeg, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'poster-writer-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'faces.mp4');
  const writer = await VideoWriter.open(path, { width: 16, height: 16, fps: 10 });
  await writer.write(new Uint8Array(16 * 16 * 3));
  // Somebody makes a folder of that name meanwhile.
  await mkdir(join(path, 'inside'), { recursive: true });
  await assert.rejects(writer.close(), /^UserError: Cannot write .*faces\.mp4/);
  assert.deepEqual(await readdir(folder), ['faces.mp4']);
});

test('a video that is replaced keeps its permissions', needsFfmpeg, async (t) => {
  if (process.platform === 'win32') return t.skip('files have no permissions here');
  const folder = await mkdtemp(join(tmpdir(), 'poster-writer-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'faces.mp4');
  await writeFile(path, 'before');
  // With the second the file could not be written into.
  for (const mode of [0o600, 0o440]) {
    await chmod(path, mode);
    const writer = await VideoWriter.open(path, { width: 16, height: 16, fps: 10 });
    await writer.write(new Uint8Array(16 * 16 * 3));
    await writer.close();
    const found = await stat(path);
    assert.ok(found.size > 'before'.length);
    assert.equal(found.mode & 0o777, mode);
  }
  assert.deepEqual(await readdir(folder), ['faces.mp4']);
});
