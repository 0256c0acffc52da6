import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { UserError } from '../../common/errors.js';
import { whenAborted } from '../../common/signals.js';
import { frameCount } from '../../image/frame-count.js';
import { pictureFormat } from '../../image/picture-header.js';
import { fileMemory } from '../../image/picture-memory.js';
import { readPicture } from '../decode/decode.js';
import { animatedPng } from './animated-png.js';
import { firstBytesOf } from './kind.js';
import type { Probed } from './probed.js';
import { WebpFrames } from './webp-frames.js';

/** Formats of pictures that may move. */
export type AnimationFormat = 'GIF' | 'PNG' | 'WebP' | 'AVIF';

/** Which of them a file has, by its first bytes: whether it has more than one frame only the rest may say. */
export function animationFormat(first: Uint8Array): AnimationFormat | undefined {
  const format = pictureFormat(first);
  if (format === 'GIF' || format === 'PNG' || format === 'WebP') return format;
  const text = Buffer.from(first.buffer, first.byteOffset, first.byteLength).toString('latin1');
  return text.startsWith('ftypavis', 4) ? 'AVIF' : undefined;
}

/** Whether a file is a picture that moves. One of a single frame is not. @throws UserError where it cannot be read, or is too large */
export async function isAnimation(path: string): Promise<boolean> {
  const first = await firstBytesOf(path);
  if (!(first instanceof Uint8Array) || animationFormat(first) === undefined) return false;
  const lease = await fileMemory.acquire((await stat(path)).size);
  try {
    const frames = frameCount(await readPicture(path));
    return frames !== undefined && frames > 1;
  } finally {
    lease.release();
  }
}

/**
 * For ffmpeg, before `-i`. Frames without a time, or with one below 20 ms, are shown for 100 ms, as browsers do: of GIF ffmpeg does so by itself. Both
 * are played once.
 */
export const animatedPngOptions = ['-f', 'apng', '-max_fps', '50', '-default_fps', '10'] as const;

/** An animated WebP as an animated PNG, which ffmpeg reads, frame by frame as it is read itself. */
export async function* webpAsPng(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  maxPixels: number,
): AsyncGenerator<Uint8Array, void, void> {
  const webp = new WebpFrames(bytes, name, maxPixels);
  const canvas = await webp.canvas();
  yield* animatedPng(canvas, webp.frames(canvas));
}

/**
 * How long an animated WebP is, and its rate where that is steady. What is wrong with its end is told when that is reached.
 * @throws UserError where it is no animated WebP; the signal's reason
 */
export async function webpTimes(path: string, name: string, maxPixels: number, signal?: AbortSignal): Promise<Probed> {
  signal?.throwIfAborted();
  const file = createReadStream(path);
  const release = signal === undefined ? undefined : whenAborted(signal, () => file.destroy());
  const webp = new WebpFrames(file, name, maxPixels);
  let total = 0;
  const lengths = new Set<number>();
  try {
    const canvas = await webp.canvas();
    try {
      for await (const { milliseconds } of webp.times(canvas)) {
        total += milliseconds;
        if (lengths.size < 2) lengths.add(milliseconds);
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  } finally {
    release?.();
    // Of a file that was closed under it, whatever came of that.
    signal?.throwIfAborted();
  }
  const [length] = lengths;
  const rate = lengths.size === 1 && length !== undefined ? { text: `1000/${length}`, value: 1000 / length } : null;
  return { rate, end: total === 0 ? null : total / 1000, promised: false };
}
