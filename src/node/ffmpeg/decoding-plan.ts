import { UserError } from '../../common/errors.js';
import { defaultMaxSide } from '../../video/index.js';
import type { FfmpegPaths } from './ffmpeg.js';
import { FrameTimes, longestSlide, longestStill } from './frame-times.js';
import { probe } from './probe.js';
import type { Probed } from './probed.js';
import { asFiltered } from './version.js';
import type { FfmpegInput } from './video-source.js';

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

const defaultFps = 10;

/** @throws UserError (kind `usage`) for values that no video can be read with. */
export function checkVideoOptions({ fps = 1, start = 0, duration = 1, maxSide = 64, rotate = 0 }: VideoOptions): void {
  const problem = !(fps > 0 && fps <= 1000)
    ? `${fps} frames a second (more than 0, up to 1000)`
    : !(start >= 0 && start < 1e7)
      ? `a start at ${start} s`
      : !(duration > 0 && duration < 1e7)
        ? `a duration of ${duration} s`
        : !(Number.isInteger(maxSide) && maxSide >= 32 && maxSide <= 8192)
          ? `a longest side of ${maxSide} pixels (whole numbers from 32 to 8192)`
          : !Object.hasOwn(turns, rotate)
            ? `frames turned by ${rotate} degrees (0, 90, 180 or 270)`
            : undefined;
  if (problem !== undefined) throw new UserError(`A video cannot be read with ${problem}.`, 'usage');
}

/** How the frames of a video are read: what ffmpeg is asked for, and what is expected of it. */
export interface DecodingPlan {
  readonly ffmpeg: string;
  readonly args: readonly string[];
  readonly times: FrameTimes;
  readonly input: FfmpegInput;
  readonly fps: number;
  readonly start: number;
  /** Nothing from then on is wanted. */
  readonly stop: number | undefined;
  /** How much will be looked at; undefined where that is not known before. */
  readonly seconds: number | undefined;
  /** Seconds that a file promises. */
  readonly expected: number | undefined;
  /** Not only a part before it is read. */
  readonly toItsEnd: boolean;
}

/**
 * @throws UserError where a file is no video, or ends before the start that is wanted; where there is no ffmpeg
 */
export async function planOf(input: FfmpegInput, options: VideoOptions): Promise<DecodingPlan> {
  const { start = 0, duration } = options;
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
  const { ffmpeg = 'ffmpeg' } = options;
  const mode = await asFiltered(ffmpeg, input.name, options.signal);
  return {
    ffmpeg,
    args: decodingArguments(input, rate, times, mode, options),
    times,
    input,
    fps: rate.value,
    start,
    stop: duration === undefined ? undefined : start + duration,
    seconds,
    // Where frames come at varying times the last may stay for long, and is not shown all that time: no end can be told from a cut.
    expected: rest === undefined || probed?.promised !== true || probed.rate === null ? undefined : seconds,
    toItsEnd: duration === undefined || (rest !== undefined && duration >= rest),
  };
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

function decodingArguments(
  input: FfmpegInput,
  rate: Rate,
  times: FrameTimes,
  mode: readonly string[],
  options: VideoOptions,
): string[] {
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
  const steps = input.animation ? [onWhite, ...upright] : upright;
  const filters = [times.filters.before, steady, ...steps, times.filters.after].join(',');
  // Otherwise ffmpeg counts from what comes first.
  const clock = input.ownClock ? ['-seek_timestamp', '1'] : [];
  return [
    ...['-hide_banner', '-nostats', '-loglevel', 'level+info', ...(input.bytes === undefined ? ['-nostdin'] : [])],
    ...[...clock, ...seek, ...input.args],
    ...['-map', '0:V:0', ...mode, '-vf', filters, ...count],
    ...['-pix_fmt', 'rgb24', '-c:v', 'ppm', '-f', 'image2pipe', 'pipe:1'],
  ];
}

/** ffmpeg's: transparent places as a page shows them. */
const onWhite = 'split[seen][under];[under]lutrgb=r=255:g=255:b=255:a=255[white];[white][seen]overlay=format=rgb';
/** ffmpeg's, after frames have been shrunk. */
const turns = { 0: [], 90: ['transpose=clock'], 180: ['hflip', 'vflip'], 270: ['transpose=cclock'] } as const;
