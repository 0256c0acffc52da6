import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VideoWriter } from './video-writer.js';

const there = spawnSync('ffmpeg', ['-version']).status === 0;

test('a video that cannot have its name leaves no file', {
  skip: there ? false : 'ffmpeg is not installed here',
}, async (t) => {
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
