import { pipeline } from 'node:stream/promises';
import { UserError } from '../../common/errors.js';
import { whenAborted } from '../../common/signals.js';
import type { Picture } from '../../image/resize.js';
import { NewestOnly } from '../../video/newest-only.js';
import type { TimedImage } from '../../video/recognize-frames.js';
import { checkVideoOptions, type DecodingPlan, planOf, type VideoOptions } from './decoding-plan.js';
import {
  type Ending,
  killProgram,
  programSeconds,
  type RunningProgram,
  reasonOf,
  silent,
  startProgram,
} from './ffmpeg.js';
import { PpmReader } from './ppm.js';
import { unreadable, withoutPictures } from './probe.js';
import { Silence } from './silence.js';
import { endsWithinPacket, type PassingBytes } from './transport-stream.js';
import { type FfmpegInput, ffmpegInput, type VideoSource } from './video-source.js';

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

/** A stream that is silent for longer, in seconds, has ended. */
const patience = 20;

/**
 * Opens a video with the system's ffmpeg.
 * @throws UserError where ffmpeg is not installed, or the source is no video.
 */
export async function openVideo(source: VideoSource, options: VideoOptions = {}): Promise<Video> {
  checkVideoOptions(options);
  const { signal } = options;
  signal?.throwIfAborted();
  const found = removedBy(signal, await ffmpegInput(source, signal));
  try {
    return await videoOf({ ...found, name: options.name ?? found.name }, options);
  } catch (error) {
    found.bytes?.destroy();
    await found.remove?.();
    throw error;
  }
}

/** An input whose copy goes with the signal too: frames that are never asked for remove nothing. */
function removedBy(signal: AbortSignal | undefined, input: FfmpegInput): FfmpegInput {
  const { remove } = input;
  if (signal === undefined || remove === undefined) return input;
  // Where a program still has it open it may stay, and goes with the program.
  const release = whenAborted(signal, () => void remove().catch(() => undefined));
  return {
    ...input,
    remove: async () => {
      release();
      await remove();
    },
  };
}

async function videoOf(input: FfmpegInput, options: VideoOptions): Promise<Video> {
  const plan = await planOf(input, options);
  return {
    name: input.name,
    fps: plan.fps,
    seconds: plan.seconds ?? null,
    live: input.live,
    frames: () => decode(plan, options),
  };
}

async function* decode(
  plan: DecodingPlan,
  { signal, onDamage }: VideoOptions,
): AsyncGenerator<TimedPicture, void, void> {
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
      ? new NewestOnly(timed, 1000 * Math.max(patience, 2 / fps), { first: 1000 * (patience + start) })
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
    if (ending.stderrLines.length > 0) {
      onDamage?.(
        `${input.name} is damaged in places (ffmpeg: ${reasonOf(ending)}); all frames that could be read were processed.`,
      );
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
  { times, input, start, stop, fps }: DecodingPlan,
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
function judge(plan: DecodingPlan, ending: Ending, frames: number, seconds: number, isCut: boolean): void {
  const { input, start, stop, expected } = plan;
  const { name } = input;
  if (frames === 0) {
    if (ending.stderrLines.some((line) => /matches no streams|does not contain any stream/.test(line))) {
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
  if (isCut || ending.stderrLines.some((line) => abrupt.test(line))) {
    throw new UserError(`${name} ends abruptly after ${seconds.toFixed(1)} s; what came before was read.`);
  }
}
