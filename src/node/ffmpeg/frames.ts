import { pipeline } from 'node:stream/promises';
import { UserError } from '../../common/errors.js';
import { whenAborted } from '../../common/signals.js';
import type { Picture } from '../../image/resize.js';
import { NewestOnly } from '../../video/newest-only.js';
import type { TimedImage } from '../../video/recognize-frames.js';
import {
  type Ending,
  type FfmpegPaths,
  killProgram,
  programSeconds,
  type RunningProgram,
  reasonOf,
  silent,
  startProgram,
} from './ffmpeg.js';
import { FrameTimes, longestSlide, longestStill } from './frame-times.js';
import { PpmReader } from './ppm.js';
import { probe, unreadable, withoutPictures } from './probe.js';
import type { Probed } from './probed.js';
import { Silence } from './silence.js';
import { endsWithinPacket, type PassingBytes } from './transport-stream.js';
import { type FfmpegInput, ffmpegInput, type VideoSource } from './video-source.js';

export interface VideoOptions extends FfmpegPaths {
  /** What messages call it. Default: its path or address. */
  readonly name?: string;
  /** Frames that are looked at a second, at most as many as a file has. Default 10. */
  readonly fps?: number;
  /** Where to begin, in seconds. Default 0. */
  readonly start?: number;
  /** How much to look at, in seconds. Default: to the end. */
  readonly duration?: number;
  /** Frames with a longer side are shrunk to it, in pixels. Default 1280. */
  readonly maxSide?: number;
  /** Frames are turned by so much, clockwise, in degrees: of a camera that hangs upside down, or where the file has lost the word of it. */
  readonly rotate?: 0 | 90 | 180 | 270;
  /** Is told, in a sentence, of damage that did not end the video. */
  readonly onDamage?: (sentence: string) => void;
  /** Ends the reading, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A frame of a video file or stream. */
export interface TimedPicture extends TimedImage {
  /** RGB or gray. */
  readonly picture: Picture;
}

export interface Video {
  /** What messages call it. */
  readonly name: string;
  /** Frames a second that are looked at. */
  readonly fps: number;
  /** How much will be looked at, in seconds; null where that is not known before. */
  readonly seconds: number | null;
  /** It goes on whether we keep up or not: then the newest frame counts. */
  readonly live: boolean;
  /**
   * The frames, in order; one is held at a time. To be read once.
   * @throws UserError after the last whole frame, where the video is damaged, cut short or breaks off
   */
  frames(): AsyncGenerator<TimedPicture, void, void>;
}

export const defaultFps = 10;
export const defaultMaxSide = 1280;
/** A stream that is silent for longer, in seconds, has ended. */
const patience = 20;

/**
 * Opens a video with the system's ffmpeg.
 * @throws UserError where ffmpeg is not installed, or the source is no video.
 */
export async function openVideo(source: VideoSource, options: VideoOptions = {}): Promise<Video> {
  checkOptions(options);
  const { signal } = options;
  signal?.throwIfAborted();
  const found = await ffmpegInput(source, signal);
  try {
    return await videoOf({ ...found, name: options.name ?? found.name }, options);
  } catch (error) {
    await found.remove?.();
    throw error;
  }
}

async function videoOf(input: FfmpegInput, options: VideoOptions): Promise<Video> {
  const { start = 0, duration } = options;
  const ffmpeg = options.ffmpeg ?? 'ffmpeg';
  const probed = input.probed ?? (input.file ? await probe(input, options.ffprobe, options.signal) : undefined);
  const rate = rateOf(options.fps ?? defaultFps, probed);
  const total = probed?.end ?? undefined;
  if (total !== undefined && start >= total) {
    throw new UserError(`${input.name} is ${total.toFixed(1)} s long: nothing begins at ${start} s.`);
  }
  const rest = total === undefined ? undefined : total - start;
  const seconds = rest === undefined ? duration : Math.min(rest, duration ?? rest);
  const times = new FrameTimes(
    input.file ? 0 : start,
    rate,
    rate.own ? 0.5 : 0,
    input.animation ? longestSlide : longestStill,
  );
  const plan: Plan = {
    ffmpeg,
    args: decodingArguments(input, rate, times, options),
    times,
    input,
    fps: rate.value,
    start,
    stop: duration === undefined ? undefined : start + duration,
    expected: rest === undefined || probed?.promised !== true ? undefined : seconds,
    toItsEnd: duration === undefined || (rest !== undefined && duration >= rest),
  };
  return {
    name: input.name,
    fps: rate.value,
    seconds: seconds ?? null,
    live: input.live,
    frames: () => decode(plan, options),
  };
}

function checkOptions({ fps = 1, start = 0, duration = 1, maxSide = 64, rotate = 0 }: VideoOptions): void {
  const problem = !(fps > 0 && fps <= 1000)
    ? `${fps} frames a second (more than 0, up to 1000)`
    : !(start >= 0 && start < 1e7)
      ? `a start at ${start} s`
      : !(duration > 0 && duration < 1e7)
        ? `a duration of ${duration} s`
        : !(Number.isInteger(maxSide) && maxSide >= 32 && maxSide <= 8192)
          ? `a longest side of ${maxSide} pixels (whole numbers from 32 to 8192)`
          : !(rotate in turns)
            ? `frames turned by ${rotate} degrees (0, 90, 180 or 270)`
            : undefined;
  if (problem !== undefined) throw new UserError(`A video cannot be read with ${problem}.`, 'usage');
}

/** All frames where the video has no more than are wanted: each then is looked at once. */
function rateOf(wanted: number, probed: Probed | undefined): Rate {
  const own = probed?.rate ?? undefined;
  return own !== undefined && own.value <= wanted
    ? { ...own, own: true }
    : { text: String(wanted), value: wanted, own: false };
}

interface Rate {
  readonly text: string;
  readonly value: number;
  /** It is the video's. */
  readonly own: boolean;
}

function decodingArguments(input: FfmpegInput, rate: Rate, times: FrameTimes, options: VideoOptions): string[] {
  const { start = 0, duration, maxSide = defaultMaxSide, rotate = 0 } = options;
  // From the key frame before, so that what is on the screen at the start is there. What cannot be sought is read from its
  // beginning.
  const seek = input.file && start > 0 ? ['-noaccurate_seek', '-ss', String(start)] : [];
  const count =
    duration === undefined ? [] : ['-frames:v', String(Math.max(1, Math.ceil(duration * rate.value - 1e-6)))];
  // At each time the frame that is shown then. At the video's own rate each frame once: its times may be rounded either way.
  const round = rate.own ? 'near' : 'up';
  const factor = `min(1,${maxSide}/max(iw*sar,ih))`;
  // Rotation is undone by ffmpeg, pixels that are not square are made so here. Quotes are ffmpeg's.
  const size = `scale=w='max(1,round(iw*sar*${factor}))':h='max(1,round(ih*${factor}))':flags=area`;
  const steady = `fps=${rate.text}:start_time=0:round=${round}`;
  const upright = [size, 'setsar=1', ...turns[rotate]];
  const seen = input.animation ? [onWhite, ...upright] : upright;
  const filters = [times.filters.before, steady, ...seen, times.filters.after].join(',');
  // Otherwise ffmpeg counts from what comes first.
  const clock = input.ownClock ? ['-seek_timestamp', '1'] : [];
  return [
    ...['-hide_banner', '-nostats', '-loglevel', 'level+info', ...(input.bytes === undefined ? ['-nostdin'] : [])],
    ...[...clock, ...seek, ...input.args],
    ...['-map', '0:V:0', '-vf', filters, ...count, '-pix_fmt', 'rgb24', '-c:v', 'ppm', '-f', 'image2pipe', 'pipe:1'],
  ];
}

/** ffmpeg's: transparent places as a page shows them. */
const onWhite = 'split[seen][under];[under]lutrgb=r=255:g=255:b=255:a=255[white];[white][seen]overlay=format=rgb';
/** ffmpeg's, after frames have been shrunk. */
const turns = { 0: [], 90: ['transpose=clock'], 180: ['hflip', 'vflip'], 270: ['transpose=cclock'] } as const;

interface Plan {
  readonly ffmpeg: string;
  readonly args: readonly string[];
  readonly times: FrameTimes;
  readonly input: FfmpegInput;
  readonly fps: number;
  readonly start: number;
  /** Nothing from then on is wanted. */
  readonly stop: number | undefined;
  /** Seconds that a file promises. */
  readonly expected: number | undefined;
  /** Not only a part before it is read. */
  readonly toItsEnd: boolean;
}

async function* decode(plan: Plan, { signal, onDamage }: VideoOptions): AsyncGenerator<TimedPicture, void, void> {
  const { input, fps, start, times } = plan;
  signal?.throwIfAborted();
  let isSilent = false;
  const silence = new Silence(1000 * programSeconds, () => {
    isSilent = true;
    stop();
  });
  const program = startProgram(
    plan.ffmpeg,
    plan.args,
    input.bytes === undefined ? 'ignore' : 'pipe',
    'pipe',
    (line) => {
      silence.heard();
      times.read(line);
    },
  );
  const ended = (): void => times.end();
  program.ended.then(ended, ended);
  const stop = (): void => {
    program.child.stdout?.destroy();
    program.child.kill('SIGKILL');
  };
  const release = signal === undefined ? undefined : whenAborted(signal, stop);
  const fed = feed(program, input.bytes);
  let count = 0;
  let seconds = 0;
  try {
    const { stdout } = program.child;
    if (stdout === null) throw new Error('a program was started without its output');
    // Whoever gives bytes or a stream takes the time that it takes.
    const timed = timedPictures(picturesOf(input.file ? silence.during(stdout) : stdout), plan);
    const pictures = input.live
      ? new NewestOnly(timed, 1000 * Math.max(patience, 2 / fps), 1000 * (patience + start))
      : timed;
    try {
      for await (const frame of pictures) {
        signal?.throwIfAborted();
        count++;
        seconds = frame.time - start + 1 / fps;
        yield frame;
        signal?.throwIfAborted();
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!isClosed(error)) throw error;
    }
    if (isSilent) throw new UserError(silent(input.name));
    signal?.throwIfAborted();
    const ending = await program.ended;
    await fed.failure();
    const cut = input.path === undefined ? input.bytes?.endWithinPacket() === true : await endsWithinPacket(input.path);
    judge(plan, ending, count, seconds, cut && plan.toItsEnd);
    if (ending.said.length > 0) {
      onDamage?.(`${input.name} is damaged in places (ffmpeg: ${reasonOf(ending)}); what can be read was looked at.`);
    }
  } finally {
    release?.();
    await killProgram(program);
    fed.stop();
    await input.remove?.();
  }
}

async function* picturesOf(stdout: AsyncIterable<unknown>): AsyncGenerator<Picture, void, void> {
  const reader = new PpmReader();
  for await (const chunk of stdout) {
    if (chunk instanceof Uint8Array) yield* reader.push(chunk);
  }
}

/** Those that are on the screen at their times, within what is wanted. */
async function* timedPictures(
  pictures: AsyncIterable<Picture>,
  { times, input, start, stop, fps }: Plan,
): AsyncGenerator<TimedPicture, void, void> {
  // What ffmpeg seeks in counts from there.
  const offset = input.file ? start : 0;
  let frame = 0;
  for await (const picture of pictures) {
    const next = await times.next();
    if (next === undefined) throw new UserError('ffmpeg does not say when its frames are; update it (4.2 or newer).');
    const time = next.time + offset;
    // Times are not exact.
    if (next.shown && (stop === undefined || time < stop - 1e-3 / fps)) yield { time, frame: frame++, picture };
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** Gives a program its input. ffmpeg may have enough before its end; a source that fails is a failure of ours. */
function feed(
  { child }: RunningProgram,
  bytes: PassingBytes | undefined,
): { readonly failure: () => Promise<void>; readonly stop: () => void } {
  if (bytes === undefined || child.stdin === null) return { failure: async () => undefined, stop: () => undefined };
  const controller = new AbortController();
  let failed: { readonly error: unknown } | undefined;
  // One that fails ends for the program, which then gives what it has.
  async function* untilFailure(source: PassingBytes): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* source;
    } catch (error) {
      failed = { error };
    }
  }
  pipeline(untilFailure(bytes), child.stdin, { signal: controller.signal }).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const ours = ['EPIPE', 'ECONNRESET', 'ABORT_ERR', 'ERR_STREAM_PREMATURE_CLOSE', 'EOF'];
    if (typeof code !== 'string' || !ours.includes(code)) failed = { error };
  });
  const stop = (): void => {
    controller.abort();
    // One that says nothing more, as a pipe whose writer sleeps, hears of it in no other way, and would keep the process alive.
    bytes?.destroy();
  };
  return {
    failure: async () => {
      // What it threw until now; it may never say anything again.
      await new Promise((resolve) => setImmediate(resolve));
      stop();
      if (failed !== undefined) throw failed.error;
    },
    stop,
  };
}

/** @throws UserError where an ending is not that of a whole video. */
function judge(plan: Plan, ending: Ending, frames: number, seconds: number, isCut: boolean): void {
  const { input, start, stop, expected } = plan;
  const { name } = input;
  if (frames === 0) {
    if (ending.said.some((line) => /matches no streams|does not contain any stream/.test(line))) {
      throw withoutPictures(name);
    }
    if (ending.code !== 0) throw unreadable(name, ending, input.live ? 'live' : input.file ? 'file' : 'bytes');
    if (stop !== undefined) {
      throw new UserError(`${name} shows no picture from ${start} s to ${stop} s; choose another part.`);
    }
    if (start > 0) throw new UserError(`${name} ends before ${start} s: nothing begins there.`);
    throw new UserError(`${name} has no frame that can be read; check that it is whole.`);
  }
  if (ending.code !== 0) {
    const reason = reasonOf(ending);
    throw new UserError(
      `${name} broke off after ${seconds.toFixed(1)} s (ffmpeg: ${reason === '' ? `exit code ${ending.code}` : reason}); what came before was read.`,
    );
  }
  if (expected !== undefined && seconds < expected - Math.max(1, 0.05 * expected)) {
    throw new UserError(
      `${name} ends after ${seconds.toFixed(1)} s of the ${expected.toFixed(1)} s that it promises: it is damaged or cut short; what came before was read.`,
    );
  }
  // Of a file the last is damage in its middle; of a stream it is how ffmpeg says that nothing comes any more.
  const abrupt = input.live
    ? /end(ed|s) prematurely|truncat|partial file|input\/output error/i
    : /end(ed|s) prematurely|truncat|partial file/i;
  if (isCut || ending.said.some((line) => abrupt.test(line))) {
    throw new UserError(`${name} ends abruptly after ${seconds.toFixed(1)} s; what came before was read.`);
  }
}
