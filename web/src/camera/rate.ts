import type { VideoFrame } from 'poster-v2';

/** How fast frames are read. */
export interface Pace {
  /** Frames a second; undefined: too few came to say. */
  readonly rate: number | undefined;
  /** Milliseconds from a frame on the screen to its result; undefined where the browser does not tell. */
  readonly latency: number | undefined;
}

/** Seconds of which the rate is the mean. */
const span = 2000;

/** Measures how fast the frames of a video are read, while it plays. */
export class PaceMeter {
  readonly #video: HTMLVideoElement;
  readonly #results: number[] = [];
  /** Frames that were shown: their time in seconds, and when they were. */
  #shown: { readonly time: number; readonly at: number }[] = [];
  #begin: number | undefined;
  #callback: number | undefined;

  /** @param live whether times count from the first frame, as of cameras */
  constructor(video: HTMLVideoElement, live: boolean) {
    this.#video = video;
    if (!live) this.#begin = 0;
    if ('requestVideoFrameCallback' in video) this.#listen();
  }

  /** A frame was read just now. */
  pace({ time }: VideoFrame): Pace {
    const now = performance.now();
    this.#results.push(now);
    // Of a slow machine the last two.
    while (this.#results.length > 2 && (this.#results[0] ?? now) < now - span) this.#results.shift();
    const [first = now] = this.#results;
    const rate = now - first < span / 4 ? undefined : (1000 * (this.#results.length - 1)) / (now - first);
    const wanted = time + (this.#begin ?? 0);
    const shown = this.#shown.find((one) => Math.abs(one.time - wanted) < 1e-3);
    return { rate, latency: shown === undefined ? undefined : now - shown.at };
  }

  close(): void {
    if (this.#callback !== undefined) this.#video.cancelVideoFrameCallback(this.#callback);
  }

  #listen(): void {
    this.#callback = this.#video.requestVideoFrameCallback((at, { mediaTime }) => {
      this.#begin ??= mediaTime;
      this.#shown = [...this.#shown.slice(-120), { time: mediaTime, at }];
      this.#listen();
    });
  }
}
