import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { z } from 'zod';
import {
  openVideo,
  recognizeVideo,
  type TimedPicture,
  type VideoOptions,
  type VideoSource,
} from '../src/node/ffmpeg/index.js';
import { Recognizer } from '../src/recognize/index.js';
import { recognizeFrames, type TimedImage, type VideoFrame } from '../src/video/index.js';
import { fails, main, poster, start, succeeds } from './support/cli.js';

const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));
const there = spawnSync('ffmpeg', ['-version']).status === 0;
const onPosix = {
  skip: there && process.platform !== 'win32' ? false : 'needs ffmpeg, and programs that are shell scripts',
};
const needsFfmpeg = { skip: there ? false : 'ffmpeg is not installed here' };

let folder = '';
let recognizer: Recognizer;
const inFolder = (name: string): string => join(folder, name);

async function ffmpeg(args: readonly string[]): Promise<void> {
  await promisify(execFile)('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...args]);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'poster-video-'));
  recognizer = await Recognizer.load();
  if (!there) return;
  // The portrait, slowly nearer and to the side, for 2 s. Faces are found in it in a tenth of the time: no side is long enough for the
  // largest scale.
  const move = "zoompan=z='1+0.1*on/75':x='20+0.5*on':y=0:d=1:s=304x304:fps=25";
  const video = ['-vf', `${move},format=yuv420p`, '-c:v', 'mpeg4', '-q:v', '3', '-g', '10'];
  await ffmpeg(['-loop', '1', '-framerate', '25', '-t', '2', '-i', portrait, ...video, inFolder('portrait.mp4')]);
  await ffmpeg(['-i', inFolder('portrait.mp4'), '-c', 'copy', inFolder('portrait.mkv')]);
});
after(async () => {
  await recognizer.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** The portrait on a dark ground, moved along, at 10 frames a second. */
async function* moving(count: number, failure?: Error): AsyncGenerator<TimedPicture, void, void> {
  const { data } = await sharp(portrait).resize(240, 240).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const [width, height] = [640, 240];
  for (let frame = 0; frame < count; frame++) {
    const pixels = new Uint8Array(width * height * 3).fill(60);
    for (let y = 0; y < height; y++) {
      pixels.set(data.subarray(y * 720, (y + 1) * 720), (y * width + 10 * frame) * 3);
    }
    yield { time: frame / 10, frame, picture: { width, height, channels: 3, data: pixels } };
  }
  if (failure !== undefined) throw failure;
}

async function all(frames: AsyncIterable<VideoFrame>): Promise<VideoFrame[]> {
  const list: VideoFrame[] = [];
  for await (const frame of frames) list.push(frame);
  return list;
}

test('frames of any origin: one face, one id, its place and expression; each frame as by itself', async () => {
  const frames = await all(recognizeFrames(recognizer, moving(12), { smooth: 0.3 }));
  assert.deepEqual(
    frames.map(({ frame }) => frame),
    Array.from({ length: 12 }, (_, i) => i),
  );
  for (const { faces, frame } of frames.slice(1)) {
    const [face] = faces;
    assert.equal(faces.length, 1);
    assert.equal(face?.id, 1);
    assert.equal(face?.expression, 'happiness');
    const first = frames[1]?.faces[0]?.box.x ?? 0;
    assert.ok(Math.abs((face?.box.x ?? 0) - first - 10 * (frame - 1)) < 5, `frame ${frame}`);
    assert.equal(face?.smoothed.length, 8);
    const sum = face?.smoothed.reduce((total, { probability }) => total + probability, 0) ?? 0;
    assert.ok(Math.abs(sum - 1) < 1e-5);
  }
  // Followed through smaller copies, a face is where detection finds it in the frame alone.
  for await (const { picture, frame } of moving(6)) {
    if (frame !== 5) continue;
    const { faces } = await recognizer.recognize(picture);
    const [alone, followed] = [faces[0], frames[5]?.faces[0]];
    assert.ok(alone !== undefined && followed !== undefined);
    assert.ok(Math.abs(alone.box.x - followed.box.x) < 0.06 * alone.box.width);
    const happy = (scores: readonly { label: string; probability: number }[]): number =>
      scores.find(({ label }) => label === 'happiness')?.probability ?? 0;
    assert.ok(Math.abs(happy(alone.scores) - happy(followed.scores)) < 0.1);
  }
});

test('a source that fails loses nothing of what came before; a signal ends it', async () => {
  const received: VideoFrame[] = [];
  await assert.rejects(async () => {
    for await (const frame of recognizeFrames(recognizer, moving(5, new Error('unplugged')))) received.push(frame);
  }, /unplugged/);
  assert.equal(received.length, 5);
  const controller = new AbortController();
  await assert.rejects(async () => {
    const options = { signal: controller.signal, live: true };
    for await (const _ of recognizeFrames(recognizer, moving(100), options)) controller.abort(new Error('enough'));
  }, /enough/);
});

test('frames may be ImageData; what is no picture or no time is told so', async () => {
  async function* canvases(): AsyncGenerator<TimedImage, void, void> {
    const rgba = await sharp(portrait).resize(240, 240).ensureAlpha().raw().toBuffer();
    for (let frame = 0; frame < 3; frame++) {
      yield { time: frame / 10, frame, picture: { data: new Uint8ClampedArray(rgba), width: 240, height: 240 } };
    }
  }
  const frames = await all(recognizeFrames(recognizer, canvases()));
  assert.deepEqual(
    frames.map(({ faces }) => faces[0]?.expression),
    ['happiness', 'happiness', 'happiness'],
  );
  const one = async (frame: unknown): Promise<VideoFrame[]> => {
    async function* source(): AsyncGenerator<unknown> {
      yield frame;
    }
    return all(Reflect.apply(recognizeFrames, undefined, [recognizer, source()]));
  };
  await assert.rejects(
    one({ time: 0, frame: 0, picture: 'a.png' }),
    /^UserError: The picture of frame 0 is not decoded/,
  );
  await assert.rejects(one({ time: 0, frame: 0 }), /^UserError: The picture of frame 0 is of type undefined/);
  const picture = { data: new Uint8Array(192), width: 8, height: 8, channels: 3 };
  const never = recognizeFrames(recognizer, canvases(), { searchEvery: Number.NaN });
  await assert.rejects(all(never), /^UserError: Faces cannot be searched for every NaN s/);
  await assert.rejects(one({ time: Number.NaN, frame: 0, picture }), /^UserError: Frame 0 is at NaN s/);
});

test('a signal ends it between frames that are ready', async () => {
  const controller = new AbortController();
  let count = 0;
  await assert.rejects(async () => {
    for await (const _ of recognizeFrames(recognizer, moving(40), { signal: controller.signal })) {
      if (++count === 2) controller.abort(new Error('enough'));
    }
  }, /enough/);
  assert.equal(count, 2);
});

test('what is no source of a video is told so', async () => {
  const read = (source: unknown): Promise<VideoFrame[]> =>
    all(Reflect.apply(recognizeVideo, undefined, [recognizer, source]));
  await assert.rejects(read(await readFile(portrait)), /^UserError: Bytes in memory are no video; pass a path/);
  for (const source of [null, undefined, 5, {}, { stream: 5 }]) {
    await assert.rejects(read(source), /^UserError: A value of type \w+ is no video/);
  }
  await assert.rejects(read(new URL('file://host/v.mp4')), /^UserError: file:\/\/host\/v\.mp4 is no file of this/);
  await assert.rejects(read('a\0b.mp4'), /^UserError: Cannot read a.b\.mp4: no file has a null character/);
});

test('options of videos are refused for pictures', async () => {
  await fails(['predict', portrait, '--fps', '3'], folder, 2, /--fps is for videos/);
});

test('without ffmpeg a sentence says what to install', async () => {
  const file = inFolder('text.mp4');
  await writeFile(file, 'text');
  await assert.rejects(
    all(recognizeVideo(recognizer, file, { ffmpeg: '/no/ffmpeg', ffprobe: '/no/ffprobe' })),
    /not installed; install ffmpeg/,
  );
});

test('a video file: frames at their times, upright, shrunk, cut out', needsFfmpeg, async () => {
  const file = inFolder('portrait.mp4');
  const frames = await all(recognizeVideo(recognizer, file));
  assert.equal(frames.length, 20);
  assert.ok(frames.every(({ time, frame }) => Math.abs(time - frame / 10) < 1e-9));
  assert.ok(frames.every(({ width, height }) => width === 304 && height === 304));
  assert.ok(frames.slice(1).every(({ faces }) => faces.length === 1 && faces[0]?.id === 1));
  assert.ok(frames.slice(1).every(({ faces }) => faces[0]?.expression === 'happiness'));
  const part = await all(
    recognizeVideo(recognizer, file, { start: 1, duration: 0.8, fps: 5, maxSide: 160, picture: true }),
  );
  assert.deepEqual(
    part.map(({ time, width }) => [Math.round(time * 10), width]),
    [10, 12, 14, 16].map((time) => [time, 160]),
  );
  // The frame is the one of that time: ffmpeg's own, at 1 s.
  await ffmpeg(['-ss', '1', '-i', file, '-frames:v', '1', '-vf', 'scale=160:160:flags=area', inFolder('one.png')]);
  const expected = await sharp(inFolder('one.png')).removeAlpha().raw().toBuffer();
  const found = part[0]?.picture?.data ?? new Uint8Array(0);
  assert.equal(found.length, expected.length);
  const difference = expected.reduce((sum, value, i) => sum + Math.abs(value - (found[i] ?? 0)), 0) / expected.length;
  assert.ok(difference < 2, `differs by ${difference}`);
  // No more frames than there are.
  assert.equal((await all(recognizeVideo(recognizer, file, { fps: 500, duration: 0.4 }))).length, 10);
});

/** The brightness of each frame that is looked at. */
async function levels(source: VideoSource, options: VideoOptions): Promise<[time: number, level: number][]> {
  const found: [number, number][] = [];
  for await (const { time, picture } of (await openVideo(source, options)).frames()) {
    found.push([Math.round(100 * time) / 100, picture.data[0] ?? -1]);
  }
  return found;
}

test('slides: at each time the one that is on the screen, from a file and from a pipe', needsFfmpeg, async () => {
  const grays = [20, 60, 100, 140, 180];
  for (const [i, value] of grays.entries()) {
    const data = Buffer.alloc(64 * 64 * 3, value);
    await sharp(data, { raw: { width: 64, height: 64, channels: 3 } })
      .png()
      .toFile(inFolder(`slide-${i}.png`));
  }
  const input = ['-framerate', '1', '-i', inFolder('slide-%d.png')];
  await ffmpeg([...input, '-pix_fmt', 'yuvj420p', '-c:v', 'mjpeg', '-q:v', '1', inFolder('slides.mkv')]);
  const nearest = (level: number): number => grays.findIndex((gray) => Math.abs(gray - level) < 10);
  const slides = async (source: VideoSource, options: VideoOptions): Promise<number[][]> =>
    (await levels(source, { start: 2.5, ...options })).map(([time, level]) => [time, nearest(level)]);
  const file = inFolder('slides.mkv');
  // A file's rate is not raised above its own.
  const atOwnRate = [2.5, 3.5, 4.5].map((time) => [time, Math.floor(time)]);
  assert.deepEqual(await slides(file, {}), atOwnRate);
  const twice = [2.5, 3, 3.5, 4, 4.5].map((time) => [time, Math.floor(time)]);
  assert.deepEqual(await slides(createReadStream(file), { fps: 2 }), twice);
  const part = [2.5, 2.7].map((time) => [time, 2]);
  assert.deepEqual(await slides(createReadStream(file), { fps: 5, duration: 0.4 }), part);
});

test('each frame once where all are looked at, also where a container rounds times', needsFfmpeg, async () => {
  const ramp = "nullsrc=s=32x32:r=7.5:d=3,format=gray,geq=lum='10*N'";
  await ffmpeg(['-f', 'lavfi', '-i', ramp, '-c:v', 'ffv1', inFolder('ramp.mkv')]);
  const found = (await levels(inFolder('ramp.mkv'), {})).map(([, level]) => level);
  assert.deepEqual(found, [...new Set(found)]);
  assert.ok(found.length >= 22 && found.length <= 23, `${found.length}`);
});

test('a still picture after a moving part does not thin that out; sound may last longer', needsFfmpeg, async () => {
  const moving = "nullsrc=s=32x32:r=30:d=1,format=gray,geq=lum='8*N'";
  const still = `${moving},tpad=stop_mode=clone:stop_duration=9,select='lt(n,30)+eq(n,299)'`;
  await ffmpeg(['-f', 'lavfi', '-i', still, '-vsync', 'vfr', '-c:v', 'mpeg4', inFolder('still.mp4')]);
  const found = await levels(inFolder('still.mp4'), { fps: 25, duration: 1 });
  assert.equal(found.length, 25);
  assert.ok(new Set(found.map(([, level]) => level)).size > 20);
  // The last picture of 30 stays for 8 s, in units of 1/15360 s.
  await ffmpeg(['-f', 'lavfi', '-i', moving, '-c:v', 'mpeg4', inFolder('moving.mp4')]);
  const stays = "setts=duration='if(eq(N,29),122880,DURATION)'";
  await ffmpeg(['-i', inFolder('moving.mp4'), '-c', 'copy', '-bsf:v', stays, inFolder('stays.mp4')]);
  const shown = await levels(inFolder('stays.mp4'), { fps: 10 });
  assert.ok(shown.length >= 29 && shown.length <= 30, `${shown.length}`);
  assert.deepEqual(shown.at(-1)?.[1], shown.at(-15)?.[1]);
  const sound = ['-f', 'lavfi', '-i', 'sine=d=8', '-c:v', 'copy', '-c:a', 'aac'];
  await ffmpeg(['-i', inFolder('portrait.mp4'), ...sound, inFolder('long.mkv')]);
  // Sound begins a little before the pictures there, which end as much later.
  const whole = (await levels(inFolder('long.mkv'), {})).length;
  assert.ok(whole === 20 || whole === 21, `${whole}`);
});

test('pictures that begin late do so with and without sound, and nothing is shown before', needsFfmpeg, async () => {
  const ramp = "nullsrc=s=32x32:r=10:d=3,format=gray,geq=lum='50+5*N'";
  await ffmpeg(['-f', 'lavfi', '-i', ramp, '-c:v', 'mpeg4', '-q:v', '1', inFolder('ramp.mp4')]);
  const sound = ['-f', 'lavfi', '-t', '5', '-i', 'sine', '-map', '0:v', '-map', '1:a', '-c:a', 'aac', '-c:v', 'copy'];
  await ffmpeg(['-itsoffset', '2', '-i', inFolder('ramp.mp4'), ...sound, inFolder('late.mp4')]);
  await ffmpeg([
    '-i',
    inFolder('late.mp4'),
    '-an',
    '-c',
    'copy',
    '-movflags',
    'faststart',
    inFolder('late-silent.mp4'),
  ]);
  const twice = [
    '-f',
    'lavfi',
    '-itsoffset',
    '2',
    '-i',
    'testsrc=s=64x64:r=25:d=3',
    '-f',
    'lavfi',
    '-t',
    '5',
    '-i',
    'sine',
  ];
  await ffmpeg([...twice, '-c:v', 'mpeg2video', '-c:a', 'mp2', inFolder('late.ts')]);
  const times = async (source: VideoSource, options: VideoOptions = {}): Promise<number[]> =>
    (await levels(source, options)).map(([time]) => time);
  const tenths = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => (from + i) / 10);
  for (const name of ['late.mp4', 'late-silent.mp4']) {
    const found = await levels(inFolder(name), {});
    assert.deepEqual(
      found.map(([time]) => time),
      tenths(20, 30),
      name,
    );
    assert.equal(new Set(found.map(([, level]) => level)).size, 30, name);
    assert.deepEqual(await times(inFolder(name), { start: 1, duration: 2 }), tenths(20, 10), name);
    assert.deepEqual(await times(inFolder(name), { start: 4.5 }), tenths(45, 5), name);
    await assert.rejects(times(inFolder(name), { duration: 1 }), /shows no picture from 0 s to 1 s/);
  }
  assert.deepEqual(await times(createReadStream(inFolder('late-silent.mp4')), { fps: 10 }), tenths(20, 30));
  assert.deepEqual(await times(createReadStream(inFolder('late-silent.mp4')), { fps: 10, start: 4.5 }), tenths(45, 5));
  const stream = await times(inFolder('late.ts'));
  // It has no clock that means anything: it counts from its first picture.
  assert.ok((stream[0] ?? 9) < 0.15 && Math.abs(stream.length - 30) <= 1, `${stream}`);
});

test('a transport stream counts from its beginning, a gap is not filled', needsFfmpeg, async () => {
  const ramp = "nullsrc=s=32x32:r=10:d=2,format=gray,geq=lum='50+5*N'";
  const source = ['-f', 'lavfi', '-i', 'testsrc=s=64x64:r=25:d=2', '-c:v', 'mpeg2video'];
  await ffmpeg([...source, '-output_ts_offset', '36000', inFolder('hours.ts')]);
  const hours = (await levels(inFolder('hours.ts'), {})).map(([time]) => time);
  assert.equal(hours.length, 20);
  assert.ok((hours[0] ?? -1) >= 0 && (hours[0] ?? -1) <= 0.1, `${hours[0]}`);
  const gap = `${ramp},setpts='PTS+if(gte(N,10),3600/TB,0)'`;
  await ffmpeg(['-f', 'lavfi', '-i', gap, '-vsync', 'vfr', '-c:v', 'ffv1', inFolder('gap.mkv')]);
  const found = await levels(inFolder('gap.mkv'), { fps: 10 });
  assert.deepEqual(found.at(-1)?.[0], 3601.9);
  // The last picture before stays for two seconds.
  const [before, after] = [found.filter(([time]) => time < 1800), found.filter(([time]) => time > 1800)];
  assert.equal(after.length, 10);
  assert.ok(before.length >= 28 && before.length <= 30, `${before.length}`);
});

test('frames after a change of resolution are all given, at their times', needsFfmpeg, async () => {
  const parts = [
    { size: '64x64', luma: '20+N', seconds: 1 },
    { size: '128x96', luma: '60+N', seconds: 6 },
  ];
  let from = 0;
  const files: Buffer[] = [];
  for (const { size, luma, seconds } of parts) {
    const ramp = `nullsrc=s=${size}:r=25:d=${seconds},format=gray,geq=lum='${luma}'`;
    const file = inFolder(`${size}.ts`);
    const coded = ['-c:v', 'mpeg2video', '-q:v', '1', '-output_ts_offset', String(from)];
    await ffmpeg(['-f', 'lavfi', '-i', ramp, ...coded, file]);
    files.push(await readFile(file));
    from += seconds;
  }
  await writeFile(inFolder('resized.ts'), Buffer.concat(files));
  const found = await levels(inFolder('resized.ts'), { fps: 5 });
  // As the brightness tells it, each frame has the time that it is shown at, to a frame or two of 25 a second.
  const after = found.filter(([time]) => time >= 1.2);
  for (const [time, level] of after) {
    const expected = 60 + 25 * (time - 1);
    assert.ok(Math.abs(level - expected) < 6, `${level} at ${time} s, not ${expected}`);
  }
  assert.ok(found.length >= 33 && found.length <= 35, `${found.length}`);
  assert.ok((found.at(-1)?.[0] ?? 0) >= 6.6, `${found.at(-1)?.[0]}`);
});

test(
  'frames that lie: searched turned now and then, told, and turned where that is asked for',
  needsFfmpeg,
  async () => {
    await ffmpeg(['-i', inFolder('portrait.mp4'), '-vf', 'hflip,vflip', '-c:v', 'mpeg4', inFolder('down.mp4')]);
    const auto = await succeeds(['predict', 'down.mp4', '--fps', '5'], folder);
    assert.match(auto.stdout, /10 frames processed, 1 face; most lie: --rotate 180 makes them stand/);
    const turned = await succeeds(['predict', 'down.mp4', '--fps', '5', '--rotate', '180'], folder);
    assert.match(turned.stdout, /10 frames processed, 1 face\n/);
    await ffmpeg([
      '-i',
      inFolder('portrait.mp4'),
      '-vf',
      'transpose=clock,crop=304:228',
      '-c:v',
      'mpeg4',
      inFolder('side.mp4'),
    ]);
    const frames = await all(recognizeVideo(recognizer, inFolder('side.mp4'), { rotate: 270, fps: 5 }));
    assert.deepEqual([frames[0]?.width, frames[0]?.height], [228, 304]);
    await fails(['predict', 'down.mp4', '--rotate', '45'], folder, 2, /--rotate/);
  },
);

test('frames of too many pixels are refused before memory is taken for them', needsFfmpeg, async () => {
  const one = ['-f', 'lavfi', '-i', 'color=s=8200x8200:r=1:d=1', '-frames:v', '1', '-c:v', 'mjpeg'];
  await ffmpeg([...one, inFolder('huge.avi')]);
  await assert.rejects(levels(inFolder('huge.avi'), {}), /frames of more than 33554432 pixels/);
});

test('a pipe whose writer sleeps holds nothing up', needsFfmpeg, async () => {
  const bytes = await readFile(inFolder('portrait.mkv'));
  const source = new PassThrough();
  source.write(bytes);
  // The part that is wanted is there, and no end.
  assert.equal((await levels(source, { duration: 1 })).length, 10);
  assert.equal(source.destroyed, true);
  const silent = new PassThrough();
  silent.write(bytes.subarray(0, Math.round(0.8 * bytes.length)));
  for await (const _ of recognizeVideo(recognizer, silent, { batchSize: 1 })) break;
  assert.equal(silent.destroyed, true);
});

test('bytes as they come, and a signal that ends ffmpeg', needsFfmpeg, async () => {
  const bytes = await readFile(inFolder('portrait.mkv'));
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 5000) yield bytes.subarray(at, at + 5000);
  }
  assert.equal((await all(recognizeVideo(recognizer, pieces(), { fps: 4 }))).length, 8);
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 1000);
    throw new Error('the network is gone');
  }
  await assert.rejects(all(recognizeVideo(recognizer, broken())), /network is gone|cannot be read/);
  const controller = new AbortController();
  await assert.rejects(async () => {
    const options = { signal: controller.signal, batchSize: 1 };
    for await (const _ of recognizeVideo(recognizer, inFolder('portrait.mp4'), options)) {
      controller.abort(new Error('enough'));
    }
  }, /enough/);
  // Who breaks off leaves no process behind: this test would not end.
  for await (const _ of recognizeVideo(recognizer, inFolder('portrait.mp4'))) break;
});

const line = z.object({
  time: z.number(),
  frame: z.number(),
  faces: z.array(
    z.object({
      id: z.number(),
      expression: z.string(),
      scores: z.record(z.string(), z.number()),
      smoothed: z.record(z.string(), z.number()),
    }),
  ),
});

test('poster predict on a video: lines, table, chart, video', needsFfmpeg, async () => {
  const args = ['--fps', '5', '--csv', 't.csv', '--timeline', 't.svg', '--draw', 'seen.mp4', '--jsonl'];
  const { stdout, stderr } = await succeeds(['predict', 'portrait.mp4', ...args], folder);
  const lines = stdout
    .trim()
    .split('\n')
    .map((text) => line.parse(JSON.parse(text)));
  assert.equal(lines.length, 10);
  assert.equal(lines[9]?.faces[0]?.expression, 'happiness');
  assert.ok((lines[9]?.faces[0]?.smoothed['happiness'] ?? 0) > 0.5);
  assert.match(stderr, /portrait\.mp4 {2}2\.0 s, 10 frames processed, 1 face/);
  const rows = (await readFile(inFolder('t.csv'), 'utf8')).trim().split('\n');
  assert.match(
    rows[0] ?? '',
    /^time,frame,track,x,y,width,height,expression,probability,p_neutral,p_happiness.*,p_contempt,low_contrast$/,
  );
  assert.match(rows[1] ?? '', /,false$/);
  assert.ok(rows.length >= 10);
  assert.match(await readFile(inFolder('t.svg'), 'utf8'), /Face 1/);
  const drawn = await all(recognizeVideo(recognizer, inFolder('seen.mp4')));
  assert.equal(drawn.length, 10);
  assert.ok((await readdir(folder)).every((name) => !name.includes('.tmp')));
});

const document = z.object({
  videos: z.array(
    z.object({
      frames: z.number(),
      tracks: z.array(z.object({ expressions: z.array(z.object({ label: z.string(), seconds: z.number() })) })),
    }),
  ),
  failed: z.array(z.object({ video: z.string(), reason: z.string() })),
});

test('videos that are none, damaged or cut short: each a sentence, the others are read', needsFfmpeg, async () => {
  await ffmpeg(['-f', 'lavfi', '-i', 'sine=d=1', '-c:a', 'aac', inFolder('sound.mp4')]);
  await copyFile(portrait, inFolder('picture.mp4'));
  await copyFile(inFolder('portrait.mp4'), inFolder('headless.mp4'));
  await truncate(inFolder('headless.mp4'), 20_000);
  await copyFile(inFolder('portrait.mkv'), inFolder('cut.mkv'));
  await truncate(inFolder('cut.mkv'), Math.round(0.5 * (await stat(inFolder('portrait.mkv'))).size));
  await writeFile(inFolder('list.mp4'), '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n');
  await writeFile(inFolder('noise.mp4'), Buffer.alloc(5000, 'noise'));
  const reading = (name: string, start = 0): Promise<VideoFrame[]> =>
    all(recognizeVideo(recognizer, inFolder(name), { start }));
  await assert.rejects(reading('sound.mp4'), /no moving picture/);
  await assert.rejects(reading('list.mp4'), /holds no video .*playlists and scripts are not/);
  await assert.rejects(reading('portrait.mp4', 9), /2\.0 s long/);
  await assert.rejects(reading('picture.mp4'), /holds no video of a kind that is read/);
  const names = ['headless.mp4', 'noise.mp4', 'cut.mkv', 'portrait.mkv'];
  await ffmpeg(['-i', inFolder('portrait.mp4'), '-t', '1', '-c', 'copy', inFolder('short.mp4')]);
  const late = await poster(['predict', 'portrait.mkv', 'short.mp4', '--start', '1.5', '--json'], folder);
  assert.equal(late.code, 3);
  assert.equal(document.parse(JSON.parse(late.stdout)).videos.length, 1);
  const { code, stdout } = await poster(['predict', ...names, '--json', '--fps', '5'], folder);
  assert.equal(code, 3);
  const { videos, failed } = document.parse(JSON.parse(stdout));
  assert.deepEqual(
    failed.map(({ video }) => video),
    names.slice(0, 3),
  );
  assert.match(failed[2]?.reason ?? '', /ends (after|abruptly)/);
  const [cut, whole] = videos;
  assert.ok(cut !== undefined && cut.frames >= 2 && cut.frames < 10);
  assert.equal(whole?.frames, 10);
  assert.equal(whole?.tracks[0]?.expressions[0]?.label, 'happiness');
});

test('a stream: lines as they come; one that breaks off, and Ctrl-C, keep what was done', needsFfmpeg, async () => {
  const bytes = await readFile(inFolder('portrait.mkv'));
  await ffmpeg(['-i', inFolder('portrait.mp4'), '-c:v', 'mpeg2video', '-q:v', '3', inFolder('portrait.ts')]);
  const packets = await readFile(inFolder('portrait.ts'));
  const server = createServer(async (request, response) => {
    if (request.url === '/promised') {
      response.writeHead(200, { 'content-length': packets.length });
      response.write(packets.subarray(0, 188 * Math.round((0.6 * packets.length) / 188)));
      await new Promise((resolve) => setTimeout(resolve, 1500));
      response.destroy();
      return;
    }
    const end = request.url === '/cut' ? 0.6 * bytes.length : bytes.length;
    for (let at = 0; at < end; at += 4000) {
      response.write(bytes.subarray(at, Math.min(at + 4000, end)));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    if (request.url === '/cut') response.destroy();
    // Otherwise nothing more comes, and the connection stays.
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = isAddress(address) ? address.port : 0;
  try {
    const stream = ['predict', '--stream', `http://127.0.0.1:${port}/cut`];
    const cut = await poster(stream, folder);
    assert.equal(cut.code, 3, cut.stderr);
    assert.match(cut.stderr, /ends abruptly|broke off/);
    assert.match(cut.stdout, /^\{"video":/);
    assert.match(cut.stderr, /frames processed, 1 face/);

    const secret = await poster(['predict', '--stream', 'http://cam:secret@127.0.0.1:9/x.ts'], folder);
    assert.equal(secret.code, 3);
    assert.doesNotMatch(secret.stderr, /secret/);

    const promised = await poster(['predict', '--stream', `http://127.0.0.1:${port}/promised`], folder);
    assert.equal(promised.code, 3, promised.stderr);
    assert.match(promised.stderr, /ends abruptly|broke off/);

    const { child, finished } = start(
      ['predict', '--stream', `http://127.0.0.1:${port}/`, '--csv', 'live.csv', '--draw', 'live.mp4'],
      folder,
    );
    let lines = 0;
    child.stdout?.on('data', (data: Buffer) => {
      lines += data.toString().split('\n').length - 1;
      if (lines >= 1) child.kill('SIGINT');
    });
    const stopped = await finished;
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.match(stopped.stderr, /what was done until then is complete/);
    const given = stopped.stdout.trim().split('\n').length;
    const rows = (await readFile(inFolder('live.csv'), 'utf8')).trim().split('\n').length;
    assert.ok(given >= 1 && rows >= 2 && rows <= given + 1, `${given} lines, ${rows} rows`);
    assert.ok((await all(recognizeVideo(recognizer, inFolder('live.mp4')))).length >= 1);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

function isAddress(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

test('Ctrl-C is heard while a video is being opened', onPosix, async () => {
  // It says that it was started, and nothing more.
  await writeFile(inFolder('ffprobe'), `#!/bin/sh\ntouch '${inFolder('opening')}'\nexec sleep 600\n`, { mode: 0o755 });
  const { FFPROBE_PATH } = process.env;
  process.env['FFPROBE_PATH'] = inFolder('ffprobe');
  const { child, finished } = start(['predict', 'portrait.mp4', 'portrait.mkv', '--json'], folder);
  if (FFPROBE_PATH === undefined) delete process.env['FFPROBE_PATH'];
  else process.env['FFPROBE_PATH'] = FFPROBE_PATH;
  const opening = setInterval(() => {
    stat(inFolder('opening')).then(
      () => child.kill('SIGINT') && clearInterval(opening),
      () => undefined,
    );
  }, 20);
  const stopped = await finished;
  clearInterval(opening);
  assert.equal(stopped.code, 130, stopped.stderr);
  assert.match(stopped.stderr, /what was done until then is complete/);
  assert.doesNotMatch(stopped.stderr, /^poster: /m);
  assert.deepEqual(document.parse(JSON.parse(stopped.stdout)), { videos: [], failed: [] });
});

test('a video on standard input is told from a picture', needsFfmpeg, async () => {
  const piped = async (file: string): Promise<string> => {
    const child = spawn(process.execPath, [main, 'predict', '-', '--fps', '2'], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => undefined);
    child.stdin.end(await readFile(file));
    let out = '';
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
    });
    await once(child, 'close');
    return out;
  };
  assert.match(await piped(inFolder('portrait.mkv')), /2\.0 s, 4 frames processed, 1 face/);
  // Also where its beginning comes in pieces, and a picture that is shorter than what a video would be told by.
  const inPieces = async (bytes: Buffer): Promise<string> => {
    const child = spawn(process.execPath, [main, 'predict', '-', '--jsonl'], { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.on('error', () => undefined);
    child.stdin.write(bytes.subarray(0, 20));
    setTimeout(() => child.stdin.end(bytes.subarray(20)), 700);
    let out = '';
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
    });
    await once(child, 'close');
    return out;
  };
  assert.match(await inPieces(await readFile(inFolder('portrait.mkv'))), /^\{"video":/);
  const dot = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#123' } })
    .png({ palette: true })
    .toBuffer();
  assert.ok(dot.length < 400, `${dot.length}`);
  assert.match(await inPieces(dot), /^\{"image":"standard input","width":1,"height":1/);
});
