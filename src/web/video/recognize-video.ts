import { aNumber } from '../../common/check-options.js';
import { UserError } from '../../common/errors.js';
import { whenAborted } from '../../common/signals.js';
import { checkRecognizer } from '../../recognize/check-recognizer.js';
import type { Recognizer } from '../../recognize/index.js';
import { checkFramesOptions } from '../../video/frame-options.js';
import { FrameFeed, type RecognizeFramesOptions, type VideoFrame } from '../../video/index.js';
import { PresentedFrames } from './presented-frames.js';

export interface RecognizeVideoOptions extends Omit<RecognizeFramesOptions, 'live' | 'batchSize'> {
  /** Frames that are looked at a second, at most. Default: as many as there is time for. */
  readonly fps?: number;
}

/** What a page plays: an element, or a stream such as a camera's. */
export type VideoSource = HTMLVideoElement | MediaStream;

/**
 * Follows the faces of what a video element shows, or of a stream, and reads their expressions.
 *
 *     for await (const { time, faces } of recognizeVideo(recognizer, document.querySelector('video'))) ...
 *
 * The video is not held up: frames that come while one is looked at are passed over. While it is paused, a camera is muted, or the
 * page is in the background, nothing comes. It ends where the video ends, its source is replaced, or the last video track of the stream ends.
 * The element and the stream are the caller's, and are left as they are.
 *
 * @param source an element plays when the page says so; of a stream the first video track is played unseen
 * @throws UserError for an element without a source or a stream without a video track; where the video cannot be played, or is of
 * another origin; the signal's reason, also while nothing comes
 */
export async function* recognizeVideo(
  recognizer: Recognizer,
  source: VideoSource,
  given: RecognizeVideoOptions = {},
): AsyncGenerator<VideoFrame, void, void> {
  const { signal } = given;
  signal?.throwIfAborted();
  checkRecognizer(recognizer, 'recognizeVideo');
  checkFramesOptions(given, 'recognizeVideo', { fps: aNumber });
  const { fps = Number.POSITIVE_INFINITY, ...options } = given;
  if (!(fps > 0)) throw new UserError(`A video cannot be read with ${fps} frames a second; give more than 0.`, 'usage');
  const { video, stop } = playing(source);
  const presented = new PresentedFrames(video, fps);
  const release = signal === undefined ? undefined : whenAborted(signal, () => presented.fail(signal.reason));
  if (source !== video) {
    // Stopping it at once is no failure of it.
    video.play().catch((error: unknown) => presented.fail(error));
  }
  const feed = new FrameFeed(recognizer, options);
  const live = video.srcObject !== null;
  let begin: Pick<VideoFrame, 'time' | 'frame'> | undefined;
  let frame = -1;
  try {
    for (;;) {
      const next = await presented.next();
      if (next === undefined) break;
      const { picture, cut, count } = next;
      begin ??= { time: live ? next.time : 0, frame: count ?? 0 };
      // The browser's count tells how many were passed over.
      frame = count === undefined ? frame + 1 : Math.max(frame + 1, count - begin.frame);
      const shown = await feed
        .next({ time: next.time - begin.time, frame, picture, cut })
        .finally(() => picture.close());
      signal?.throwIfAborted();
      yield shown;
    }
  } finally {
    release?.();
    presented.close();
    stop();
    await feed.close();
  }
}

interface Playing {
  readonly video: HTMLVideoElement;
  /** Ends what was begun for it. */
  readonly stop: () => void;
}

/** @throws UserError for what cannot be played */
function playing(source: unknown): Playing {
  if (source instanceof HTMLVideoElement) {
    if (source.networkState !== HTMLMediaElement.NETWORK_EMPTY) return { video: source, stop: () => undefined };
    throw new UserError('The video has no source; set its src or srcObject, then pass it.', 'usage');
  }
  if (!(source instanceof MediaStream)) {
    throw new UserError(
      'recognizeVideo takes a video element or a MediaStream; for frames of your own use recognizeFrames or VideoRecognizer.',
      'usage',
    );
  }
  const tracks = source.getVideoTracks();
  const track = tracks.find(({ readyState }) => readyState === 'live');
  if (track === undefined) {
    throw new UserError(
      tracks.length === 0
        ? 'The stream has no video track; ask for one with video: true.'
        : 'The camera of this stream has been stopped; open it again.',
      'usage',
    );
  }
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  // Of the picture alone: it ends with it.
  video.srcObject = new MediaStream([track]);
  const stop = (): void => {
    video.pause();
    video.srcObject = null;
  };
  return { video, stop };
}
