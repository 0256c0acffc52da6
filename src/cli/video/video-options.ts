import { type Command, Option } from 'commander';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { isVideoFile } from '../../node/ffmpeg/video-writer.js';
import { numberOf } from '../arguments.js';

/** Options of `predict` that are for videos. */
export interface VideoPredictOptions {
  readonly stream?: string;
  readonly animation?: boolean;
  readonly fps?: number;
  readonly start?: number;
  readonly duration?: number;
  readonly maxSide?: number;
  readonly rotate?: 90 | 180 | 270;
  readonly smooth?: number;
  readonly timeline?: string;
}

const positive = numberOf(z.number().gt(0).max(1e7));
const atLeastZero = numberOf(z.number().min(0).max(1e7));

export function withVideoOptions(command: Command): Command {
  return command
    .option(
      '--stream <address>',
      'a live stream (rtsp, rtmp, http, srt, udp) or camera (/dev/video0) instead of inputs',
    )
    .option('--animation', 'read animations (GIF, WebP, PNG, AVIF) as videos, with all their frames')
    .addOption(
      new Option(
        '--fps <rate>',
        'videos: frames processed per second (default: 10, or all if there are fewer)',
      ).argParser(numberOf(z.number().gt(0).max(1000))),
    )
    .addOption(new Option('--start <seconds>', 'videos: where to start').argParser(atLeastZero))
    .addOption(new Option('--duration <seconds>', 'videos: how long a part to process').argParser(positive))
    .addOption(
      new Option(
        '--max-side <pixels>',
        'videos: long side to which larger frames are reduced (default: 1280)',
      ).argParser(numberOf(z.int().min(32).max(8192))),
    )
    .addOption(
      new Option('--rotate <degrees>', 'videos: turn frames clockwise by 90, 180 or 270').argParser(
        numberOf(z.literal([90, 180, 270])),
      ),
    )
    .addOption(
      new Option('--smooth <seconds>', 'videos: time constant of smoothed scores, 0 for none (default: 0.5)').argParser(
        atLeastZero,
      ),
    )
    .option('--timeline <file>', 'videos: draw expressions over time, as .svg or .png');
}

/** @throws UserError for options that videos do not have. */
export function refusePictureOptions({ top }: { readonly top?: number }): void {
  if (top !== undefined) {
    throw new UserError('--top is for pictures; a video has all labels in its results. Leave it out.', 'usage');
  }
}

/** @throws UserError for options that pictures do not have. */
export function refuseVideoOptions(options: VideoPredictOptions & { readonly draw?: string }): void {
  const given = (
    [
      ['--fps', options.fps],
      ['--start', options.start],
      ['--duration', options.duration],
      ['--max-side', options.maxSide],
      ['--rotate', options.rotate],
      ['--smooth', options.smooth],
      ['--timeline', options.timeline],
      ['--draw with a video file', options.draw !== undefined && isVideoFile(options.draw) ? options.draw : undefined],
    ] as const
  ).find(([, value]) => value !== undefined);
  if (given !== undefined) {
    throw new UserError(
      `${given[0]} is for videos, and the input is no video; leave it out, or read an animation with --animation.`,
      'usage',
    );
  }
}
