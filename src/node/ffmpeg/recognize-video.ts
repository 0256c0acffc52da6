import { linked } from '../../common/signals.js';
import type { Recognizer } from '../../recognize/index.js';
import { type RecognizeFramesOptions, recognizeFrames, type VideoFrame } from '../../video/index.js';
import type { VideoOptions } from './decoding-plan.js';
import { openVideo } from './frames.js';
import type { VideoSource } from './video-source.js';

export type RecognizeVideoOptions = RecognizeFramesOptions & VideoOptions;

/**
 * Follows the faces of a video and reads their expressions, in the same memory whatever its length.
 *
 *     for await (const { time, faces } of recognizeVideo(recognizer, 'talk.mp4')) ...
 *
 * @param source see `VideoSource`; read by the system's ffmpeg
 * @throws UserError where there is no ffmpeg or no video; after the last frame, where the video is damaged or breaks off
 */
export async function* recognizeVideo(
  recognizer: Recognizer,
  source: VideoSource,
  options: RecognizeVideoOptions = {},
): AsyncGenerator<VideoFrame, void, void> {
  // Who leaves while the source is silent leaves no ffmpeg behind.
  const left = new AbortController();
  const stop = linked([options.signal, left.signal]);
  try {
    const video = await openVideo(source, { ...options, signal: stop.signal });
    yield* recognizeFrames(recognizer, video.frames(), { live: video.live, ...options });
  } finally {
    left.abort();
    stop.release();
  }
}
