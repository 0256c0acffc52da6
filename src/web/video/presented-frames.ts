import { UserError } from '../../common/errors.js';
import { haveCurrentData, unreadable } from '../decode/dom-pictures.js';

/** A frame that a page showed. Whoever takes it closes its picture. */
export interface PresentedFrame {
  /** On the video's clock, in seconds. */
  readonly time: number;
  /** How many frames the browser had shown with it, as far as it counts. */
  readonly count: number | undefined;
  readonly picture: VideoFrame | ImageBitmap;
  /** The video was sought: it does not go on from the frame before. */
  readonly cut: boolean;
}

type Shown = Pick<PresentedFrame, 'time' | 'count'>;

/** Milliseconds between two looks at whether a camera is still there: browsers do not tell all ends of it. */
const watchEvery = 250;

/** Milliseconds after which a frame that was not drawn yet is asked for again. */
const drawnWithin = 50;

/** What a video element shows while it plays: of the frames that come while nobody asks, only the newest. */
export class PresentedFrames {
  readonly #video: HTMLVideoElement;
  /** Least distance of two frames, in seconds. */
  readonly #distance: number;
  readonly #left = new AbortController();
  #cancel: () => void = () => undefined;
  #newest: Shown | undefined;
  #last: number | undefined;
  #cut = false;
  #over = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;

  /** @param fps at most so many frames a second are given */
  constructor(video: HTMLVideoElement, fps: number) {
    this.#video = video;
    // Times of frames are not exact.
    this.#distance = 1 / fps - 1e-3;
    this.#over = video.ended;
    const on = (name: keyof HTMLMediaElementEventMap, act: () => void): void =>
      video.addEventListener(name, act, { signal: this.#left.signal });
    on('ended', () => this.end());
    const { src, srcObject } = video;
    on('emptied', () => {
      // It begins again from its start, unless its source was taken away or another one given.
      this.#cut = true;
      if (video.src !== src || video.srcObject !== srcObject) this.end();
    });
    on('error', () => this.fail(playbackError(video)));
    on('seeking', () => {
      this.#cut = true;
    });
    if (video.error !== null) this.fail(playbackError(video));
    if (srcObject instanceof MediaStream) this.#watch(srcObject);
    else {
      const showCurrent = (): void => this.#show({ time: video.currentTime, count: undefined });
      if (video.readyState >= haveCurrentData) showCurrent();
      on('loadeddata', showCurrent);
    }
    this.#listen();
  }

  /** The video is at its end. */
  end(): void {
    this.#over = true;
    this.#wake();
  }

  /** Nothing more can come of it. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /**
   * The newest frame that was not given yet, or the next; undefined at the end.
   * @throws UserError where the video cannot be played or its pixels not read; what it failed with
   */
  async next(): Promise<PresentedFrame | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const shown = this.#newest;
      this.#newest = undefined;
      // Between two sources there is none.
      if (shown !== undefined && this.#video.readyState >= haveCurrentData) {
        const cut = this.#cut;
        const picture = await pictureOf(this.#video, shown.time);
        if (picture !== undefined) {
          [this.#cut, this.#last] = [false, shown.time];
          return { ...shown, cut, picture };
        }
        // Of a video that never played nothing tells when its first frame is drawn.
        this.#newest ??= shown;
        await new Promise((resolve) => setTimeout(resolve, drawnWithin));
        if (this.#over) return undefined;
        continue;
      }
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Listens to the element no longer. */
  close(): void {
    this.#left.abort();
    this.#cancel();
    this.end();
  }

  #show(shown: Shown): void {
    const isNew = this.#last === undefined || this.#cut || shown.time >= this.#last + Math.max(1e-6, this.#distance);
    if (!isNew) return;
    this.#newest = shown;
    this.#wake();
  }

  #listen(): void {
    const video = this.#video;
    if ('requestVideoFrameCallback' in video) {
      const listen = (): void => {
        const id = video.requestVideoFrameCallback((_, { mediaTime, presentedFrames }) => {
          listen();
          this.#show({ time: mediaTime, count: presentedFrames });
        });
        this.#cancel = () => video.cancelVideoFrameCallback(id);
      };
      listen();
      return;
    }
    // Older browsers: whenever the page is drawn and the clock went on.
    const { currentTime } = this.#video;
    this.#poll(currentTime);
  }

  #poll(before: number): void {
    const id = requestAnimationFrame(() => {
      const { currentTime, readyState } = this.#video;
      this.#poll(currentTime);
      if (currentTime !== before && readyState >= haveCurrentData) this.#show({ time: currentTime, count: undefined });
    });
    this.#cancel = () => cancelAnimationFrame(id);
  }

  /** Ends with the last of the pictures of a stream. */
  #watch(stream: MediaStream): void {
    const timer = setInterval(() => {
      if (stream.getVideoTracks().every(({ readyState }) => readyState === 'ended')) this.end();
    }, watchEvery);
    this.#left.signal.addEventListener('abort', () => clearInterval(timer));
  }
}

/** What the element shows; undefined where it has nothing to show yet. */
async function pictureOf(video: HTMLVideoElement, time: number): Promise<VideoFrame | ImageBitmap | undefined> {
  try {
    return 'VideoFrame' in globalThis
      ? new VideoFrame(video, { timestamp: Math.round(1e6 * time) })
      : await createImageBitmap(video);
  } catch (error) {
    // Its first frame is loaded, and not drawn.
    if (error instanceof DOMException && error.name === 'InvalidStateError') return undefined;
    throw new UserError(`The video ${unreadable(error)}`, 'input', { cause: error });
  }
}

function playbackError({ error }: HTMLVideoElement): UserError {
  return new UserError('The video cannot be played by this browser; save it as MP4 (H.264) or WebM.', 'input', {
    cause: error,
  });
}
