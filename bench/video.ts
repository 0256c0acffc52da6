/*
 * Videos made by ffmpeg from the sample portrait: frames a second and where the time goes, or memory over ten minutes.
 *
 *     node dist/bench/video.js speed [seconds of video]
 *     node dist/bench/video.js memory [minutes of video] [frames looked at a second]
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type FaceDetector, loadFaceDetector } from '../src/detect/index.js';
import { decodeImage } from '../src/node/decode/decode-image.js';
import { openVideo } from '../src/node/ffmpeg/index.js';
import { requireBundledCheckpoint } from '../src/node/host/bundled-weights.js';
import type { Classifier } from '../src/recognize/index.js';
import { loadClassifier, Recognizer } from '../src/recognize/index.js';
import { recognizeFrames } from '../src/video/index.js';
import { residentMegabytes } from './resident.js';

const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const line = z.object({ time: z.number(), faces: z.array(z.unknown()) });
const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));

/** The portrait, nearer and farther, from side to side. */
async function film(path: string, width: number, height: number, seconds: number, rate: number): Promise<void> {
  const side = 2 * height;
  const move = `zoompan=z='1.2+0.2*sin(on/40)':x='iw*(0.1+0.05*sin(on/25))':y='ih*0.04':d=1:s=${height}x${height}:fps=${rate}`;
  const filters = `scale=${side}:${side},${move},pad=${width}:${height}:(ow-iw)/2:0:color=0x404a55,format=yuv420p`;
  const input = ['-loop', '1', '-framerate', String(rate), '-t', String(seconds), '-i', portrait];
  const codec = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '50'];
  await promisify(execFile)('ffmpeg', [
    '-nostdin',
    '-loglevel',
    'error',
    '-y',
    ...input,
    '-vf',
    filters,
    ...codec,
    path,
  ]);
}

/** Work that is counted into `spent[name]`. */
function timed<A extends unknown[], R>(
  spent: Map<string, number>,
  name: string,
  work: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    const start = performance.now();
    try {
      return await work(...args);
    } finally {
      spent.set(name, (spent.get(name) ?? 0) + performance.now() - start);
    }
  };
}

async function timedRecognizer(spent: Map<string, number>): Promise<Recognizer> {
  const classifier = await loadClassifier(await requireBundledCheckpoint());
  const detector = await loadFaceDetector();
  const watchedClassifier: Classifier = { ...classifier, classify: timed(spent, 'classify', classifier.classify) };
  const watchedDetector: FaceDetector = {
    ...detector,
    detect: timed(spent, 'search whole frames', detector.detect),
    follow: timed(spent, 'follow known faces', detector.follow),
  };
  return Recognizer.of({ classifier: watchedClassifier, detector: watchedDetector, decode: decodeImage });
}

async function speed(folder: string, seconds: number): Promise<void> {
  const spent = new Map<string, number>();
  const recognizer = await timedRecognizer(spent);
  for (const [name, width, height] of [
    ['720p', 1280, 720],
    ['1080p', 1920, 1080],
  ] as const) {
    const path = join(folder, `${name}.mp4`);
    await film(path, width, height, seconds, 25);
    for (const settings of [{ fps: 10 }, { fps: 25 }, { fps: 10, maxSide: 1920 }]) {
      spent.clear();
      const start = performance.now();
      const cpu = process.cpuUsage();
      const video = await openVideo(path, settings);
      let frames = 0;
      for await (const _ of recognizeFrames(recognizer, video.frames())) frames++;
      const took = performance.now() - start;
      const { user, system } = process.cpuUsage(cpu);
      const parts = [...spent].map(([part, ms]) => `${part} ${(ms / frames).toFixed(1)}`).join(', ');
      const side = settings.maxSide ?? 1280;
      process.stdout.write(
        `${name}, ${settings.fps} frames a second looked at, long side up to ${side}: ${((frames / took) * 1000).toFixed(1)} frames/s ` +
          `(${((frames / settings.fps / took) * 1000).toFixed(1)} times as fast as it plays); ms a frame: ${parts}, all ${(took / frames).toFixed(1)}; processor ${((user + system) / 1000 / frames).toFixed(1)} without ffmpeg's\n`,
      );
    }
  }
  const decoding = performance.now();
  let frames = 0;
  const video = await openVideo(join(folder, '1080p.mp4'));
  for await (const _ of video.frames()) frames++;
  process.stdout.write(`1080p, frames only: ${((performance.now() - decoding) / frames).toFixed(1)} ms a frame\n`);
  await recognizer.dispose();
}

async function memory(folder: string, minutes: number, fps: number): Promise<void> {
  const path = join(folder, 'long.mp4');
  // A minute, repeated without encoding it again.
  await film(path, 640, 360, 60, 10);
  const long = join(folder, 'all.mp4');
  const repeat = ['-stream_loop', String(minutes - 1), '-i', path, '-c', 'copy', long];
  await promisify(execFile)('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...repeat]);
  // The command itself, with all that it writes of a video.
  const files = ['--csv', join(folder, 'all.csv'), '--timeline', join(folder, 'all.svg')];
  const args = [main, 'predict', long, '--fps', String(fps), '--jsonl', ...files];
  const start = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let [frames, faces, minute] = [0, 0, 0];
  for await (const text of createInterface({ input: child.stdout })) {
    const frame = line.parse(JSON.parse(text));
    frames++;
    faces += frame.faces.length;
    if (frame.time < minute * 60) continue;
    const now = `minute ${minute}: resident ${residentMegabytes(child.pid ?? 0)} MB`;
    process.stdout.write(`${now}, ${frames} frames, ${faces} faces\n`);
    minute++;
  }
  process.stdout.write(`${frames} frames in ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

const [mode = 'speed', first, second] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'poster-video-bench-'));
try {
  if (mode === 'memory') await memory(folder, Number(first ?? 10), Number(second ?? 5));
  else await speed(folder, Number(first ?? 10));
} finally {
  await rm(folder, { recursive: true, force: true });
}
