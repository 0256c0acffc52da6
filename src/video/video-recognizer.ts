import { UserError } from '../common/errors.js';
import type { PictureObject } from '../image/index.js';
import { checkRecognizer } from '../recognize/check-recognizer.js';
import type { Recognizer } from '../recognize/index.js';
import { FrameFeed } from './frame-feed.js';
import { checkFramesOptions, type RecognizeFramesOptions } from './frame-options.js';
import type { VideoFrame } from './recognize-frames.js';

export type VideoRecognizerOptions = Omit<RecognizeFramesOptions, 'live' | 'batchSize' | 'signal'>;

/**
 * Follows the faces of one video or camera whose frames the program hands over itself, as they come.
 *
 *     const video = new VideoRecognizer(recognizer);
 *     const result = await video.detectForVideo(frame, performance.now());
 *     if (result !== undefined) show(result.faces);
 *
 * Faces are followed and scores smoothed as by `recognizeFrames`. The recognizer may serve several of them, and is still the
 * program's to dispose of.
 */
export class VideoRecognizer {
  readonly #recognizer: Recognizer;
  readonly #options: VideoRecognizerOptions;
  #feed: FrameFeed | undefined;
  #busy = false;
  #disposed = false;
  /** Frames that were looked at. */
  #count = 0;
  /** Of the last frame, in milliseconds. */
  #timestamp: number | undefined;

  /** @throws UserError (kind `usage`) for what is no recognizer, or options that cannot be */
  constructor(recognizer: Recognizer, options: VideoRecognizerOptions = {}) {
    checkRecognizer(recognizer, 'VideoRecognizer');
    checkFramesOptions(options, 'VideoRecognizer');
    this.#recognizer = recognizer;
    this.#options = options;
  }

  /**
   * What a frame shows; `time` of the result is the timestamp in seconds.
   * @param picture is read until the promise settles
   * @param timestamp of the frame in milliseconds, from any beginning, later than that of the frame before
   * @returns undefined, at once, where the frame is dropped because one before it is under way
   * @throws UserError (kind `usage`) for a timestamp that does not ascend, or after `dispose`; what `recognizeFrames` throws, after
   * which the next frame begins anew as after `reset`
   */
  async detectForVideo(picture: PictureObject, timestamp: number): Promise<VideoFrame | undefined> {
    if (this.#disposed) throw new UserError('This video recognizer has been disposed of; make another one.', 'usage');
    if (!Number.isFinite(timestamp)) {
      throw new UserError(`A frame cannot be at ${timestamp} ms; pass a number of milliseconds.`, 'usage');
    }
    if (this.#timestamp !== undefined && timestamp <= this.#timestamp) {
      throw new UserError(
        `A frame at ${timestamp} ms does not come after the one at ${this.#timestamp} ms; pass frames in the order of their times, or call reset() first.`,
        'usage',
      );
    }
    if (this.#busy) return undefined;
    this.#busy = true;
    this.#timestamp = timestamp;
    this.#feed ??= new FrameFeed(this.#recognizer, this.#options);
    try {
      return await this.#feed.next({ time: timestamp / 1000, frame: this.#count++, picture });
    } catch (error) {
      this.#forget();
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  /** Begins anew: faces get their numbers from 1, timestamps may have another beginning. Waits for the frame under way. */
  async reset(): Promise<void> {
    const feed = this.#feed;
    this.#forget();
    await feed?.close();
  }

  /** Ends the following of faces; the recognizer stays. Safe to call again. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.reset();
  }

  /** For `await using`, where the runtime has it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #forget(): void {
    this.#feed = undefined;
    this.#timestamp = undefined;
    this.#count = 0;
  }
}
