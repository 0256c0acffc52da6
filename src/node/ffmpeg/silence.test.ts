import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { UserError } from '../../common/errors.js';
import { openVideo } from './frames.js';
import { Silence } from './silence.js';

const onPosix = { skip: process.platform === 'win32' ? 'programs here are shell scripts' : false };

test('a program that says nothing is ended, with a sentence', onPosix, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'poster-silence-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const program = async (name: string, script: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  };
  const ffprobe = await program('sleeps', 'echo x >&2; exec sleep 600');
  const ffmpeg = await program('gives-none', 'test "$1" = -version && exit; echo x >&2; exec sleep 600');
  const video = join(folder, 'video.mp4');
  await writeFile(video, '\0\0\0\x20ftypisom');
  const silent = (error: unknown): boolean =>
    error instanceof UserError && error.kind === 'input' && /nothing came of it for 60 s/.test(error.message);
  const realTimeout = setTimeout;
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const ticks = async (until: Promise<unknown>): Promise<void> => {
    let done = false;
    const settled = (): void => {
      done = true;
    };
    until.then(settled, settled);
    while (!done) {
      context.mock.timers.tick(1000);
      await new Promise((resolve) => realTimeout(resolve, 1));
      await turn();
    }
  };
  const probing = openVideo(video, { ffprobe, ffmpeg });
  const refused = assert.rejects(probing, silent);
  await ticks(refused);
  const reading = (async () => {
    const { frames } = await openVideo(video, { ffprobe: join(folder, 'no-ffprobe'), ffmpeg });
    for await (const _ of frames()) assert.fail('a frame of nothing');
  })();
  await ticks(assert.rejects(reading, silent));
  context.mock.timers.reset();
  const stop = new AbortController();
  const aborted = openVideo(video, { ffprobe, ffmpeg, signal: stop.signal });
  setTimeout(() => stop.abort(new Error('enough')), 100);
  await assert.rejects(aborted, /enough/);
});

test('signs of life, and time that nobody waits in, are no silence', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let count = 0;
  const silence = new Silence(1000, () => count++);
  let give: () => void = () => undefined;
  async function* source(): AsyncGenerator<number> {
    yield 1;
    await new Promise<void>((resolve) => {
      give = resolve;
    });
    yield 2;
  }
  const items = silence.during(source());
  await items.next();
  context.mock.timers.tick(5000);
  silence.heard();
  context.mock.timers.tick(5000);
  assert.equal(count, 0, 'nobody waits');
  const second = items.next();
  await turn();
  context.mock.timers.tick(999);
  assert.equal(count, 0);
  context.mock.timers.tick(2);
  assert.equal(count, 1);
  give();
  assert.equal((await second).value, 2);
});
