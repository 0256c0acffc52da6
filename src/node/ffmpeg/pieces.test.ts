import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { random } from '../../common/random.js';
import type { Picture } from '../../image/resize.js';
import { NewestOnly } from '../../video/newest-only.js';
import { levelOf, PyramidMaker } from '../../video/pyramid.js';
import type { VideoFace } from '../../video/recognize-frames.js';
import { isCut, thumbnail } from '../../video/scene-cut.js';
import { VideoSummary } from '../../video/summary.js';
import { contentOf, kindOf } from './kind.js';
import { versionIn } from './version.js';
import { ffmpegInput } from './video-source.js';

/** Smooth patches of brightness: a scene. */
function scene(seed: number, shift = 0, light = 0): Picture {
  const stream = random(seed, 'scene');
  const patches = Array.from({ length: 30 }, () => [
    stream.int(400),
    stream.int(240),
    20 + stream.int(60),
    stream.int(256),
  ]);
  const [width, height] = [320, 180];
  const data = new Uint8Array(width * height * 3).fill(Math.min(255, 90 + light));
  for (const [x = 0, y = 0, r = 1, value = 0] of patches) {
    for (let j = Math.max(0, y - r); j < Math.min(height, y + r); j++) {
      for (let i = Math.max(0, x - r - shift); i < Math.min(width, x + r - shift); i++) {
        data.fill(Math.min(255, value / 1.5 + light), (j * width + i) * 3, (j * width + i) * 3 + 3);
      }
    }
  }
  return { width, height, channels: 3, data };
}

test('a cut is another scene, not a pan and not a lamp', () => {
  let cuts = 0;
  for (let seed = 0; seed < 10; seed++) {
    const before = thumbnail(scene(seed));
    assert.ok(!isCut(before, thumbnail(scene(seed))));
    assert.ok(!isCut(before, thumbnail(scene(seed, 6))), 'a pan');
    assert.ok(!isCut(before, thumbnail(scene(seed, 0, 60))), 'a lamp');
    if (isCut(before, thumbnail(scene(seed + 100)))) cuts++;
  }
  assert.ok(cuts >= 9, `${cuts} of 10`);
});

test('smaller copies are means of four pixels, down to what is useful', () => {
  const maker = new PyramidMaker();
  const data = Uint8Array.from({ length: 1920 * 4 * 3 }, (_, i) => (i * 7) % 256);
  const pyramid = maker.of({ width: 1920, height: 4, channels: 3, data });
  assert.deepEqual(
    pyramid.map(({ width, height }) => [width, height]),
    [
      [1920, 4],
      [960, 2],
      [480, 1],
    ],
  );
  const at = (x: number, y: number, c: number): number => data[(y * 1920 + x) * 3 + c] ?? Number.NaN;
  const mean = (at(10, 2, 1) + at(11, 2, 1) + at(10, 3, 1) + at(11, 3, 1)) / 4;
  assert.equal(pyramid[1]?.data[(960 + 5) * 3 + 1], Math.round(mean));
  assert.equal(levelOf(pyramid, 640).width, 960);
  assert.equal(levelOf(pyramid, 5000).width, 1920);
});

test('of a source that does not wait the newest is taken, and its failure is told', async () => {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  async function* counting(): AsyncGenerator<number> {
    for (let i = 0; i < 5; i++) {
      yield i;
      await Promise.resolve();
    }
    throw new Error('broke');
  }
  const received: number[] = [];
  await assert.rejects(async () => {
    for await (const item of new NewestOnly(counting(), 1000)) {
      received.push(item);
      await wait(20);
    }
  }, /broke/);
  assert.deepEqual([received[0], received.at(-1)], [0, 4]);
  assert.ok(received.length < 5);
  async function* silent(): AsyncGenerator<number> {
    await wait(60);
    yield 1;
  }
  await assert.rejects(async () => {
    for await (const _ of new NewestOnly(silent(), 10)) assert.fail('nothing came');
  }, /No picture came/);
});

test('kinds of files by their first bytes', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text.padEnd(400, '\0'), 'latin1');
  assert.equal(kindOf(bytes('\0\0\0\x20ftypisom')), 'video');
  assert.equal(kindOf(bytes('\0\0\0\x20ftypavif')), 'picture');
  assert.equal(kindOf(bytes('\x1a\x45\xdf\xa3')), 'video');
  assert.equal(kindOf(bytes('RIFF\x10\0\0\0AVI LIST')), 'video');
  assert.equal(kindOf(bytes('RIFF\x10\0\0\0WEBPVP8 ')), 'picture');
  assert.equal(kindOf(bytes('\x89PNG\r\n\x1a\n')), 'picture');
  assert.equal(kindOf(bytes(`\x47${'x'.repeat(187)}\x47`)), 'video');
  assert.equal(kindOf(new Uint8Array(0)), undefined);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (any) => void kindOf(any)));
});

test("nothing of a user's text stands where ffmpeg looks for an option, and files cannot name others", async () => {
  const input = await ffmpegInput({ stream: 'rtsp://user:secret@camera/1' });
  assert.ok(!input.name.includes('secret'));
  assert.deepEqual(input.args.slice(-2), ['-i', 'rtsp://user:secret@camera/1']);
  assert.ok(!input.args.join(' ').includes('file'));
  for (const stream of [
    '-version',
    'file:///etc/passwd',
    'concat:a|b',
    'lavfi:x',
    '/etc/passwd',
    '/dev/video0 -y',
    '',
  ]) {
    await assert.rejects(ffmpegInput({ stream }), /no stream that can be read/, stream);
  }
  await assert.rejects(ffmpegInput(new URL('https://example.org/a.mp4')), /no file/);
  await assert.rejects(ffmpegInput('no such file.mp4'), /no such file/);
});

test('versions of ffmpeg, as its builders write them', () => {
  assert.equal(versionIn('ffmpeg version 4.2.7-0ubuntu0.1 Copyright (c) 2000-2022'), 402);
  assert.equal(versionIn('ffmpeg version n5.1.9 Copyright'), 501);
  assert.equal(versionIn('ffmpeg version 12.10-full_build-www.gyan.dev'), 1210);
  for (const unversioned of ['ffmpeg version N-109542-g1bf1b4d0a5', 'ffmpeg version 2025-03-31-git-35c091f4b7', '']) {
    assert.equal(versionIn(unversioned), undefined);
  }
});

function face(id: number, expression: string, lowContrast = false): VideoFace {
  const labels = ['happy', 'sad'];
  const smoothed = labels
    .map((label) => ({ label, probability: label === expression ? 0.75 : 0.25 }))
    .sort((a, b) => b.probability - a.probability);
  const box = { x: 0, y: 0, width: 9, height: 9 };
  const about = { id, box, keypoints: null, detectionScore: 0.9, lowContrast };
  return { ...about, expression, probability: 0.75, scores: [], smoothed };
}

test('a summary counts what was seen, in bins whose number is bounded', () => {
  const summary = new VideoSummary(['happy', 'sad'], 10);
  const frames = 20_000;
  for (let frame = 0; frame < frames; frame++) {
    const faces =
      frame < 5000 ? [face(1, 'happy')] : frame < 6000 ? [] : [face(1, 'sad', frame >= 10_000), face(2, 'happy')];
    summary.add({ time: 3 + frame / 10, frame, width: 9, height: 9, faces });
  }
  const { tracks, seconds, others } = summary.totals();
  assert.ok(Math.abs(seconds - 2000) < 1e-6);
  assert.equal(others.count, 0);
  const [one, two] = tracks;
  assert.deepEqual(
    one?.expressions.map((shown) => [shown.label, Math.round(shown.seconds)]),
    [
      ['sad', 1400],
      ['happy', 500],
    ],
  );
  assert.equal(Math.round(one?.seconds ?? 0), 1900);
  assert.equal(Math.round(one?.lowContrastSeconds ?? -1), 1000);
  assert.equal(two?.lowContrastSeconds, 0);
  assert.deepEqual([two?.from, Math.round(two?.seconds ?? 0)], [603, 1400]);
  const bins = one?.bins ?? [];
  assert.ok(bins.length > 300 && bins.length <= 800, String(bins.length));
  assert.deepEqual(bins[0]?.values, [0.75, 0.25]);
  assert.deepEqual(bins.at(-1)?.values, [0.25, 0.75]);
  assert.equal(bins[0]?.from, 3);
  assert.ok(
    bins.some(({ from }, i) => from - (bins[i - 1]?.to ?? from) > 90),
    'the gap stays',
  );
});

test('between frames that a live stream lost a face goes on in the timeline too', () => {
  const summary = new VideoSummary(['happy', 'sad'], 10);
  for (let frame = 0; frame < 300; frame += 3) {
    summary.add({ time: frame / 10, frame, width: 9, height: 9, faces: [face(1, 'happy')] });
  }
  const [track] = summary.totals().tracks;
  const covered = track?.bins.reduce((sum, { from, to }) => sum + to - from, 0) ?? 0;
  assert.ok(Math.abs(covered - (track?.seconds ?? 0)) < 0.2, `${covered} of ${track?.seconds} s`);
});

test('of very many tracks the longest are kept, the others counted', () => {
  const summary = new VideoSummary(['happy', 'sad'], 1);
  for (let frame = 0; frame < 5000; frame++) {
    // Somebody stays; everybody else passes by.
    summary.add({
      time: frame,
      frame,
      width: 9,
      height: 9,
      faces: [face(0, 'sad'), face(1 + Math.floor(frame / 2), 'happy')],
    });
  }
  const { tracks, others } = summary.totals();
  assert.ok(tracks.length <= 400);
  assert.equal(tracks.length + others.count, 2501);
  assert.equal(Math.round(tracks[0]?.seconds ?? 0), 5000);
  const sum = tracks.reduce((all, track) => all + track.seconds, others.seconds);
  assert.ok(Math.abs(sum - 10_000) < 1e-6);
});

test('pipes are not opened, empty files are called so', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'poster-pipe-'));
  t.after(() => rm(folder, { recursive: true }));
  const empty = join(folder, 'empty.mp4');
  await writeFile(empty, '');
  await assert.rejects(ffmpegInput(empty), /is empty \(0 bytes\)/);
  const pipe = join(folder, 'pipe.mp4');
  if (spawnSync('mkfifo', [pipe]).status !== 0) return t.skip('there are no named pipes here');
  assert.equal(await contentOf(pipe), undefined);
  await assert.rejects(ffmpegInput(pipe), /not a regular file; pipe it to -/);
});
