import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { isAnimation } from './animation.js';
import { type Ending, outputOf, reasonOf } from './ffmpeg.js';
import { contentOf } from './kind.js';
import type { Probed } from './probed.js';
import { type FfmpegInput, maxFramePixels } from './video-source.js';

const number = z.string().transform(Number).pipe(z.number().min(0)).optional().catch(undefined);
const signed = z.string().transform(Number).pipe(z.number()).optional().catch(undefined);
const text = z.string().optional().catch(undefined);
const schema = z.object({
  streams: z
    .array(
      z.object({
        avg_frame_rate: text,
        r_frame_rate: text,
        start_time: signed,
        duration: number,
        tags: z.object({ DURATION: text }).optional().catch(undefined),
      }),
    )
    .default([]),
  format: z.object({ duration: number, nb_streams: z.int().optional().catch(undefined) }).optional(),
});

/**
 * Asks ffprobe about a file. Undefined where there is no ffprobe: frames can be read without.
 * @throws UserError for files that are no video.
 */
export async function probe(
  { args, name, path, ownClock, animation }: FfmpegInput,
  ffprobe = 'ffprobe',
  signal?: AbortSignal,
): Promise<Probed | undefined> {
  const wanted =
    'stream=avg_frame_rate,r_frame_rate,start_time,duration:stream_tags=DURATION:format=duration,nb_streams';
  const rest = ['-v', 'error', '-select_streams', 'V:0', '-show_entries', wanted, '-of', 'json'];
  let result: Ending & { readonly text: string };
  try {
    result = await outputOf(ffprobe, [...rest, ...args], name, signal);
  } catch (error) {
    if (error instanceof UserError && error.kind === 'resources') return undefined;
    throw error;
  }
  if (result.code !== 0) {
    // ffmpeg guesses by the name where the content says nothing, and then misses parts of what it never was.
    if (path !== undefined && !(await isMoving(path, animation))) throw unknownContent(name);
    throw unreadable(name, result);
  }
  const parsed = schema.safeParse(jsonOf(result.text));
  if (!parsed.success) return undefined;
  const [stream] = parsed.data.streams;
  if (stream === undefined) throw withoutPictures(name);
  const { format } = parsed.data;
  // Where a file has no clock of its own, ffmpeg counts from its first picture.
  const begins = ownClock && stream.start_time !== undefined ? stream.start_time : 0;
  // Matroska says when a track ends in a tag only.
  const own = stream.duration === undefined ? secondsOf(stream.tags?.DURATION) : begins + stream.duration;
  const end = own ?? format?.duration;
  return {
    rate: steadyRate(stream.avg_frame_rate, stream.r_frame_rate),
    end: end === undefined || end <= 0 ? null : end,
    promised: own !== undefined || format?.nb_streams === 1,
  };
}

const isMoving = async (path: string, animation: boolean): Promise<boolean> =>
  animation ? isAnimation(path).catch(() => false) : (await contentOf(path)) === 'video';

const remedies = {
  file: 'check that it is one and that it is whole',
  bytes: 'an MP4 may have its index at the end: give it as a file',
  live: 'check the address and whether it is on',
} as const;

export function unreadable(name: string, ending: Ending, kind: keyof typeof remedies = 'file'): UserError {
  if (ending.stderrLines.some((line) => /exceeds specified max pixel count/.test(line))) {
    return new UserError(
      `${name} has frames of more than ${maxFramePixels} pixels, which are not read (8192 x 4096 are); make it smaller.`,
    );
  }
  if (ending.stderrLines.some((line) => line.startsWith('Format not on whitelist'))) {
    return unknownContent(name);
  }
  const reason = reasonOf(ending);
  return new UserError(
    `${name} cannot be read as a video (ffmpeg: ${reason === '' ? `exit code ${ending.code}` : reason}); ${remedies[kind]}.`,
  );
}

function unknownContent(name: string): UserError {
  return new UserError(
    `${name} holds no video of a kind that is read, whatever its name says (playlists and scripts are not); give a video itself.`,
  );
}

export function withoutPictures(name: string): UserError {
  return new UserError(`${name} has no moving picture, only sound or data; give a video.`);
}

/** The average rate, where it is the one that frames come at: a still picture after a moving part makes it lower. */
function steadyRate(average: string | undefined, real: string | undefined): Probed['rate'] {
  const [mean, base] = [rateOf(average), rateOf(real)];
  if (mean === null || base === null) return mean;
  return Math.abs(mean.value / base.value - 1) < 0.01 ? mean : null;
}

/** Of `00:01:02.500000000`. */
function secondsOf(text: string | undefined): number | undefined {
  const [, hours, minutes, seconds] = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(text ?? '') ?? [];
  return seconds === undefined ? undefined : 3600 * Number(hours) + 60 * Number(minutes) + Number(seconds);
}

function rateOf(text: string | undefined): Probed['rate'] {
  const [, over, under] = /^(\d{1,9})\/(\d{1,9})$/.exec(text ?? '') ?? [];
  const value = Number(over) / Number(under);
  return value > 0 && value <= 1000 ? { text: `${over}/${under}`, value } : null;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
