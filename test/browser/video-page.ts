/* What test/browser-video.test.ts has a browser do with videos and cameras, a scene each. */
import {
  openCamera,
  type PictureObject,
  Recognizer,
  type RecognizeVideoOptions,
  recognizeVideo,
  type VideoFrame as Shown,
  VideoRecognizer,
  type VideoSource,
} from '../../src/entries/web.js';

/** Of a frame what tests look at. */
export type FrameSummary = Pick<Shown, 'time' | 'frame' | 'width' | 'height'> & {
  readonly faces: readonly (readonly [id: number, expression: string])[];
};

const summaryOf = ({ time, frame, width, height, faces }: Shown): FrameSummary => ({
  ...{ time, frame, width, height },
  faces: faces.map(({ id, expression }) => [id, expression] as const),
});

/** Callbacks of videos that are waited for. */
const callbacks = new Set<number>();
const { requestVideoFrameCallback, cancelVideoFrameCallback } = HTMLVideoElement.prototype;
HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback): number {
  const id = requestVideoFrameCallback.call(this, (now, metadata) => {
    callbacks.delete(id);
    callback(now, metadata);
  });
  callbacks.add(id);
  return id;
};
HTMLVideoElement.prototype.cancelVideoFrameCallback = function (id): void {
  callbacks.delete(id);
  cancelVideoFrameCallback.call(this, id);
};

const loading = new Map<boolean, Promise<Recognizer>>();

/** One for all scenes. */
function recognizerOf(worker: boolean): Promise<Recognizer> {
  const known = loading.get(worker);
  if (known !== undefined) return known;
  const recognizer = Recognizer.load({ worker });
  loading.set(worker, recognizer);
  return recognizer;
}

const blobs = new Map<string, Promise<string>>();

/** A video of the page's own, in which can be sought. */
async function videoOf(name: string): Promise<HTMLVideoElement> {
  const address = blobs.get(name) ?? fetch(name).then(async (answer) => URL.createObjectURL(await answer.blob()));
  blobs.set(name, address);
  const video = document.createElement('video');
  video.muted = true;
  video.src = await address;
  return video;
}

/** As slowly as can be: there is time for several frames on any machine. */
async function playingVideo(): Promise<HTMLVideoElement> {
  const video = await videoOf('portrait.webm');
  video.playbackRate = 1 / 16;
  await video.play();
  return video;
}

async function sentenceOf(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
    return 'nothing was refused';
  } catch (error) {
    return String(error);
  }
}

interface Watched {
  readonly frames: FrameSummary[];
  readonly error: string | null;
  /** Callbacks that are still waited for. */
  readonly left: number;
}

/** Looks at a video to its end. */
async function watch(
  worker: boolean,
  source: VideoSource,
  each: (frame: Shown, frames: readonly FrameSummary[]) => unknown = () => undefined,
  options: RecognizeVideoOptions = {},
): Promise<Watched> {
  const frames: FrameSummary[] = [];
  let error: string | null = null;
  try {
    for await (const frame of recognizeVideo(await recognizerOf(worker), source, options)) {
      frames.push(summaryOf(frame));
      if ((await each(frame, frames)) === 'enough') break;
    }
  } catch (thrown) {
    error = String(thrown);
  }
  return { frames, error, left: callbacks.size };
}

const stopAll = (stream: MediaStream): void => {
  for (const track of stream.getTracks()) track.stop();
};

const scenes = {
  async camera(worker: boolean) {
    const stream = await openCamera();
    const watched = await watch(worker, stream, (_, frames) => (frames.length === 8 ? 'enough' : undefined));
    const states = stream.getTracks().map(({ readyState }) => readyState);
    stopAll(stream);
    return { ...watched, states };
  },

  async file(worker: boolean) {
    await recognizerOf(worker);
    const video = await playingVideo();
    return watch(worker, video, (_, frames) => {
      if (frames.length === 3) video.playbackRate = 4;
    });
  },

  /** Stopped by the page while it is looked at; the element also has sound. */
  async stopped() {
    const stream = await openCamera();
    return watch(false, stream, (_, frames) => {
      if (frames.length === 2) stopAll(stream);
    });
  },

  async stoppedInElement() {
    const stream = await openCamera();
    const sound = new AudioContext().createMediaStreamDestination();
    const video = document.createElement('video');
    video.muted = true;
    video.srcObject = new MediaStream([...stream.getTracks(), ...sound.stream.getTracks()]);
    await video.play();
    return watch(false, video, (_, frames) => {
      if (frames.length === 2) stopAll(stream);
    });
  },

  async abortedWhilePaused() {
    const video = await videoOf('portrait.webm');
    const controller = new AbortController();
    return watch(
      false,
      video,
      () => {
        setTimeout(() => controller.abort(new Error('enough')), 100);
      },
      { signal: controller.signal },
    );
  },

  async sought() {
    const video = await videoOf('portrait.webm');
    video.currentTime = 1;
    await new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
    video.playbackRate = 1 / 16;
    await video.play();
    return watch(false, video, (_, frames) => {
      if (frames.length === 1) video.currentTime = 0.2;
      return frames.filter(({ time }) => time < 1).length === 2 ? 'enough' : undefined;
    });
  },

  async replaced() {
    const video = await playingVideo();
    return watch(false, video, (_, frames) => {
      if (frames.length === 2) video.src = 'other.webm';
    });
  },

  async limited() {
    const video = await playingVideo();
    const options = { fps: 10, maxSide: 160 };
    return watch(false, video, (_, frames) => (frames.length === 3 ? 'enough' : undefined), options);
  },

  async sentences(elsewhere: string) {
    const recognizer = await recognizerOf(false);
    const next = (source: unknown): Promise<unknown> => recognizeVideo(recognizer, source as VideoSource).next();
    const tainted = document.createElement('video');
    tainted.muted = true;
    tainted.src = elsewhere;
    await tainted.play();
    const broken = await videoOf('text.webm');
    const stopped = await openCamera();
    stopAll(stopped);
    return {
      'no source': await sentenceOf(() => next(document.createElement('video'))),
      'another origin': await sentenceOf(() => next(tainted)),
      'not a video file': await sentenceOf(() => next(broken)),
      'stopped camera': await sentenceOf(() => next(stopped)),
      'empty stream': await sentenceOf(() => next(new MediaStream())),
      'an address': await sentenceOf(() => next('portrait.webm')),
      'no such camera': await sentenceOf(() => openCamera({ deviceId: 'none' })),
      fps: await sentenceOf(() => recognizeVideo(recognizer, tainted, { fps: 0 }).next()),
      left: String(callbacks.size),
    };
  },

  refused: () => sentenceOf(() => openCamera()),

  async handedOver(worker: boolean) {
    const element = await videoOf('portrait.webm');
    await element.play();
    element.pause();
    const video = new VideoRecognizer(await recognizerOf(worker));
    const frames: FrameSummary[] = [];
    let dropped = 0;
    const submit = async (picture: PictureObject, timestamp: number): Promise<void> => {
      const found = await video.detectForVideo(picture, timestamp);
      if (found === undefined) dropped++;
      else frames.push(summaryOf(found));
    };
    await Promise.all([submit(element, 10), submit(element, 20)]);
    const bitmap = await createImageBitmap(element);
    await submit(bitmap, 30);
    const frame = new VideoFrame(element, { timestamp: 0 });
    await submit(frame, 40);
    await video.dispose();
    // The caller's frames are whole: whoever made them closes them.
    const whole = [bitmap.width, frame.displayWidth];
    bitmap.close();
    frame.close();
    return { frames, dropped, whole };
  },
};

export type Scenes = typeof scenes;

Object.assign(globalThis, { scenes });
