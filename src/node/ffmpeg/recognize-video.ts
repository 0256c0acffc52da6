import { aFunction, aNumber, aText, type OptionRules } from '../../common/check-options.js';
import { linked } from '../../common/signals.js';
import { checkRecognizer } from '../../recognize/check-recognizer.js';
import type { Recognizer } from '../../recognize/index.js';
import { checkFramesOptions } from '../../video/frame-options.js';
import { type RecognizeFramesOptions, recognizeFrames, type VideoFrame } from '../../video/index.js';
import type { VideoOptions } from './decoding-plan.js';
import { openVideo } from './frames.js';
import type { VideoSource } from './video-source.js';

export type RecognizeVideoOptions = RecognizeFramesOptions & VideoOptions;

const videoRules: OptionRules<Omit<VideoOptions, keyof RecognizeFramesOptions>> = {
  ffmpeg: aText,
  ffprobe: aText,
  name: aText,
  fps: aNumber,
  start: aNumber,
  duration: aNumber,
  rotate: aNumber,
  onDamage: aFunction,
};

/**
 * Follows the faces of a video and reads their expressions, in the same memory whatever its length.
 *
 *     for await (const { time, faces } of recognizeVideo(recognizer, 'talk.mp4')) ...
 *
 * @param source see `VideoSource`; read by the system's ffmpeg
 * @throws UserError (kind `usage`) for what is no recognizer, or options that cannot be; where there is no ffmpeg or no video; after the
 * last frame, where the video is damaged or breaks off
 */
export async function* recognizeVideo(
  recognizer: Recognizer,
  source: VideoSource,
  options: RecognizeVideoOptions = {},
): AsyncGenerator<VideoFrame, void, void> {
  // Before a program is started, or a copy made.
  checkRecognizer(recognizer, 'recognizeVideo');
  checkFramesOptions(options, 'recognizeVideo', videoRules);
  const { ffmpeg, ffprobe, name, fps, start, duration, rotate, onDamage, ...following } = options;
  // Who leaves while the source is silent leaves no ffmpeg behind.
  const left = new AbortController();
  const stop = linked([options.signal, left.signal]);
  try {
    const video = await openVideo(source, { ...options, signal: stop.signal });
    yield* recognizeFrames(recognizer, video.frames(), { live: video.live, ...following });
  } finally {
    left.abort();
    stop.release();
  }
}
