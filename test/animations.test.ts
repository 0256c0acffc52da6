import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { z } from 'zod';
import { animatedPng } from '../src/node/ffmpeg/animated-png.js';
import { webpTimes } from '../src/node/ffmpeg/animation.js';
import { openVideo, recognizeVideo, type TimedPicture, type VideoSource } from '../src/node/ffmpeg/index.js';
import type { DecodedFrame } from '../src/node/ffmpeg/webp-frames.js';
import { Recognizer } from '../src/recognize/index.js';
import { succeeds } from './support/cli.js';

const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));
const there = spawnSync('ffmpeg', ['-version']).status === 0;
const needsFfmpeg = { skip: there ? false : 'ffmpeg is not installed here' };

const side = 256;
const delays = [300, 700, 1500];
let folder = '';
const inFolder = (name: string): string => join(folder, name);

/** Face, nothing, face. */
async function pictures(): Promise<Buffer[]> {
  const face = await sharp(portrait).resize(side, side).removeAlpha().ensureAlpha().raw().toBuffer();
  const blank = Buffer.alloc(face.length, 90).map((value, i) => (i % 4 === 3 ? 255 : value));
  return [face, Buffer.from(blank), face];
}

const rolled = (frames: readonly Buffer[], width = side, height = side): Sharp =>
  sharp(Buffer.concat(frames), { raw: { width, height: height * frames.length, channels: 4, pageHeight: height } });

async function apng(frames: readonly Buffer[], milliseconds: readonly number[]): Promise<Buffer> {
  async function* decoded(): AsyncGenerator<DecodedFrame> {
    const whole = { x: 0, y: 0, width: side, height: side, blend: false, cleared: false };
    for (const [i, data] of frames.entries()) yield { ...whole, milliseconds: milliseconds[i] ?? 0, data };
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of animatedPng({ width: side, height: side }, decoded())) chunks.push(chunk);
  return Buffer.concat(chunks);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'poster-animations-'));
  const frames = await pictures();
  await rolled(frames).gif({ delay: delays }).toFile(inFolder('vary.gif'));
  await rolled(frames).webp({ delay: delays, lossless: true }).toFile(inFolder('vary.webp'));
  await writeFile(inFolder('vary.png'), await apng(frames, delays));
  await rolled(frames)
    .gif({ delay: [0, 10, 20] })
    .toFile(inFolder('hasty.gif'));
  await rolled(frames)
    .webp({ delay: [500, 500, 500] })
    .toFile(inFolder('steady.webp'));
  await rolled(frames.slice(0, 1)).gif().toFile(inFolder('still.gif'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function frames(source: VideoSource, fps?: number): Promise<TimedPicture[]> {
  const list: TimedPicture[] = [];
  const video = await openVideo(source, fps === undefined ? {} : { fps });
  for await (const frame of video.frames()) list.push(frame);
  return list;
}

/** What is seen at each time: the blank one is gray. */
const timeline = (list: readonly TimedPicture[]): string =>
  list.map(({ picture }) => (Math.abs((picture.data[0] ?? 0) - 90) < 3 ? '-' : 'f')).join('');

const given = ['vary.gif', 'vary.webp', 'vary.png'];

test('each frame for as long as it says, from files and from bytes as they come', needsFfmpeg, async (t) => {
  const first = (await pictures())[0]?.[0] ?? 90;
  assert.ok(Math.abs(first - 90) > 20, 'the corner of the portrait is not as the blank one');
  await mkdir(inFolder('temporary'));
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = inFolder('temporary');
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  for (const name of given) {
    for (const source of [inFolder(name), createReadStream(inFolder(name))]) {
      const list = await frames(source);
      assert.equal(timeline(list), `fff${'-'.repeat(7)}${'f'.repeat(15)}`, name);
      for (const { time, frame } of list) assert.ok(Math.abs(time - frame / 10) < 0.01, `${name} ${frame}: ${time}`);
    }
  }
  assert.deepEqual(await readdir(inFolder('temporary')), []);
});

test('frames at a steady rate are looked at once; below 20 ms they are shown for 100', needsFfmpeg, async () => {
  const { fps, seconds } = await openVideo(inFolder('steady.webp'));
  assert.deepEqual([fps, seconds], [2, 1.5]);
  assert.deepEqual(
    (await frames(inFolder('steady.webp'))).map(({ time }) => Math.round(10 * time)),
    [0, 5, 10],
  );
  // 100, 100 and 20 ms.
  assert.equal(timeline(await frames(inFolder('hasty.gif'), 50)), `fffff${'-'.repeat(5)}f`);
});

test(
  'frames that cover a part, shine through or are taken away are as libvips puts them together',
  needsFfmpeg,
  async () => {
    // A disc that moves over nothing, and fades.
    const disc = (x: number, alpha: number): Buffer => {
      const data = Buffer.alloc(4 * 64 * 48);
      for (let i = 0; i < 64 * 48; i++) {
        const inside = Math.hypot((i % 64) - x, Math.floor(i / 64) - 24) < 12;
        data.set(inside ? [200, 40 + 2 * x, 60, alpha] : [0, 0, 0, 0], 4 * i);
      }
      return data;
    };
    const discs = [disc(14, 255), disc(30, 255), disc(46, 128), disc(46, 255), disc(20, 60)];
    await rolled(discs, 64, 48)
      .webp({ delay: discs.map(() => 100), lossless: true, exact: true })
      .toFile(inFolder('disc.webp'));
    const opaque = [14, 30, 46, 20].map((x) => disc(x, 255));
    await rolled(opaque, 64, 48)
      .gif({ delay: opaque.map(() => 100) })
      .toFile(inFolder('disc.gif'));
    for (const name of ['disc.webp', 'disc.gif']) {
      const list = await frames(inFolder(name));
      assert.equal(list.length, name === 'disc.gif' ? 4 : 5, name);
      for (const { frame, picture } of list) {
        const page = await sharp(inFolder(name), { page: frame }).flatten({ background: '#fff' }).raw().toBuffer();
        const worst = page.reduce((most, value, i) => Math.max(most, Math.abs(value - (picture.data[i] ?? 0))), 0);
        assert.ok(page.length === picture.data.length && worst <= 3, `${name}, frame ${frame}: ${worst}`);
      }
    }
  },
);

test('hostile and damaged WebP: what came before counts, then a sentence', needsFfmpeg, async () => {
  const whole = await readFile(inFolder('vary.webp'));
  const at = [...whole.toString('latin1').matchAll(/ANMF/g)].map(({ index }) => index);
  assert.equal(at.length, 3);
  const last = at[2] ?? 0;
  const changed = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(whole);
    change(bytes);
    return bytes;
  };
  const cases: readonly (readonly [bytes: Buffer, count: number, message: RegExp])[] = [
    [whole.subarray(0, last + 100), 10, /is cut short; what came before was read/],
    [changed((bytes) => bytes.writeUInt32LE(2 ** 31, last + 4)), 10, /is damaged \(a frame of 2147483648 bytes\)/],
    [changed((bytes) => bytes.writeUIntLE(200, last + 8, 3)), 10, /a frame reaches beyond its canvas/],
    [changed((bytes) => bytes.fill(7, last + 40, last + 400)), 10, /Frame 3 of .* is truncated or damaged/],
    [changed((bytes) => bytes.writeUIntLE(2 ** 23, 24, 3)), 0, /has frames of more than 33554432 pixels/],
    [await sharp(portrait).resize(32).webp().toBuffer(), 0, /is no animated WebP; give it as a picture/],
  ];
  for (const [i, [bytes, count, message]] of cases.entries()) {
    const path = inFolder(`bad${i}.webp`);
    await writeFile(path, bytes);
    for (const source of [path, createReadStream(path)]) {
      let decoded = 0;
      await assert.rejects(async () => {
        for await (const _ of (await openVideo(source)).frames()) decoded++;
      }, message);
      assert.equal(decoded, count, String(message));
    }
  }
});

test('a copy that nobody reads is removed, and none is made where options cannot be', needsFfmpeg, async (t) => {
  const own = await mkdtemp(join(folder, 'temporary-'));
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = own;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  });
  const stop = new AbortController();
  await openVideo(createReadStream(inFolder('vary.gif')), { signal: stop.signal });
  assert.equal((await readdir(own)).length, 1);
  stop.abort();
  for (let tries = 0; tries < 500 && (await readdir(own)).length > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual(await readdir(own), []);
  const wrong = Reflect.apply(recognizeVideo, undefined, [undefined, createReadStream(inFolder('vary.gif'))]);
  await assert.rejects(wrong.next(), /^UserError: recognizeVideo needs a recognizer/);
  assert.deepEqual(await readdir(own), []);
});

test('a stream that nobody wants any more is ended, whatever becomes of its bytes', needsFfmpeg, async () => {
  for (const name of given) {
    const bytes = await readFile(inFolder(name));
    const stop = new AbortController();
    // There is more to come, and it does not.
    const sleeping = new PassThrough();
    sleeping.write(bytes.subarray(0, Math.round(0.9 * bytes.length)));
    const reading = (async () => {
      for await (const _ of (await openVideo(sleeping, { signal: stop.signal })).frames()) {
        // As far as it goes.
      }
    })();
    setTimeout(() => stop.abort(new Error('enough')), 200);
    await assert.rejects(reading, /enough/, name);
    assert.equal(sleeping.destroyed, true, name);
    const withoutProgram = new PassThrough();
    withoutProgram.end(bytes);
    await assert.rejects(openVideo(withoutProgram, { ffmpeg: '/no/ffmpeg', ffprobe: '/no/ffprobe' }), /not installed/);
    assert.equal(withoutProgram.destroyed, true, name);
  }
  // A file is gone through to know how long it is.
  const stop = new AbortController();
  const timing = webpTimes(inFolder('vary.webp'), 'It', 2 ** 25, stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(timing, /enough/);
  let closed = false;
  async function* generated(): AsyncGenerator<Uint8Array> {
    try {
      for (const byte of await readFile(inFolder('vary.webp'))) yield Uint8Array.of(byte);
    } finally {
      closed = true;
    }
  }
  await assert.rejects(openVideo(generated(), { ffmpeg: '/no/ffmpeg' }), /not installed/);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(closed, true);
});

test('faces of an animation in a program', needsFfmpeg, async () => {
  await using recognizer = await Recognizer.load();
  for (const name of given) {
    const counts: number[] = [];
    for await (const { faces } of recognizeVideo(recognizer, inFolder(name))) counts.push(faces.length);
    assert.deepEqual([counts[0], counts[5], counts[20]], [1, 0, 1], name);
  }
});

const summarySchema = z.object({
  videos: z.array(
    z.object({
      video: z.string(),
      frames: z.number(),
      seconds: z.number(),
      tracks: z.array(z.object({ from: z.number() })),
    }),
  ),
});

test('poster predict --animation: all frames; without it the first, and how to have all', needsFfmpeg, async () => {
  for (const name of given) {
    const { stdout } = await succeeds(['predict', '--animation', name, '--json', '--timeline', 't.svg'], folder);
    const { videos } = summarySchema.parse(JSON.parse(stdout));
    assert.deepEqual(
      videos.map(({ video, frames, seconds }) => [video, frames, seconds]),
      [[name, 25, 2.5]],
    );
    assert.equal(videos[0]?.tracks[0]?.from, 0);
    assert.match(await readFile(inFolder('t.svg'), 'utf8'), /^<svg/);
  }
  const first = await succeeds(['predict', 'vary.gif'], folder);
  assert.match(first.stdout, /first of 3 frames/);
  assert.match(first.stderr, /--animation reads all frames, as of a video/);
});
