import type { Recognizer } from '../recognize/index.js';
import type { RecognizeFramesOptions } from './frame-options.js';
import { recognizeFrames, type TimedImage, type VideoFrame } from './recognize-frames.js';

/** Frames that are given one at a time, where each result is wanted before the next frame. */
export class FrameFeed {
  readonly #results: AsyncGenerator<VideoFrame, void, void>;
  #given: TimedImage | undefined;
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(recognizer: Recognizer, options: Omit<RecognizeFramesOptions, 'live' | 'batchSize'>) {
    this.#results = recognizeFrames(recognizer, this.#frames(), { ...options, live: true });
  }

  /**
   * What a frame shows. Once it is answered, the picture is no longer read.
   * @throws what `recognizeFrames` throws; of no more use then
   */
  async next(frame: TimedImage): Promise<VideoFrame> {
    this.#given = frame;
    this.#wake();
    const { value } = await this.#results.next();
    if (value === undefined) throw new Error('frames are followed no longer');
    return value;
  }

  /** Waits for the frame that is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.#results.return();
  }

  async *#frames(): AsyncGenerator<TimedImage, void, void> {
    while (!this.#closed) {
      const frame = this.#given;
      if (frame === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else {
        this.#given = undefined;
        yield frame;
      }
    }
  }
}
