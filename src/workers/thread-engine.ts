import { defined } from '../common/defined.js';
import type { Parcel } from '../common/parcel.js';
import { errorOf, type SentError } from '../common/sent-errors.js';
import { orAborted, whenAborted } from '../common/signals.js';
import type { Face, FaceDetector } from '../detect/index.js';
import type { ExplainEngine } from '../explain/explain-faces.js';
import type { ExplainedFace, ExplainFacesOptions } from '../explain/index.js';
import type { ImageSource, LowContrast, RawImage } from '../image/index.js';
import type {
  ImageList,
  Recognition,
  RecognitionEngine,
  RecognizedFace,
  RecognizeFacesOptions,
  RecognizeOptions,
} from '../recognize/index.js';
import type { FrameFilesEngine, TimedFile } from '../video/frame-files.js';
import type { FrameEngine, RecognizeFramesOptions, TimedFrame, TimedImage, VideoFrame } from '../video/index.js';
import { ItemPump } from './item-pump.js';
import type { Loaded, SentItem, Streams } from './messages.js';
import type { StartThread } from './port.js';
import { RecognitionThread, SourceFailure } from './recognition-thread.js';
import {
  type Packing,
  sentFloats,
  sentFrame,
  sentImage,
  sentPicture,
  sentPictures,
  sentPixels,
} from './sent-pictures.js';

/** Pictures that are sent before the thread asks for them. */
const picturesAhead = 8;

/** Networks in a worker thread. One that has died is replaced at the next call. */
export class ThreadEngine implements RecognitionEngine, FrameEngine, FrameFilesEngine, ExplainEngine {
  readonly crops: RecognitionEngine['crops'];
  readonly detector: FaceDetector | undefined;
  readonly lowContrast: LowContrast;
  readonly #startThread: StartThread;
  #live: RecognitionThread;
  #starting: Promise<RecognitionThread> | undefined;
  #disposal: Error | undefined;
  /** Gives up a thread that is being started. */
  readonly #stop = new AbortController();

  readonly #packing: Packing | undefined;

  private constructor(
    startThread: StartThread,
    packing: Packing | undefined,
    thread: RecognitionThread,
    { lowContrast, detects, ...about }: Loaded,
  ) {
    this.#startThread = startThread;
    this.#packing = packing;
    this.#live = thread;
    this.lowContrast = lowContrast;
    this.detector = detects ? this.#detector() : undefined;
    this.crops = {
      classifier: {
        ...about,
        classify: async (images, n) => {
          const { content, transfer } = await sentFloats(images);
          return (await this.#thread()).call('classify', [content, n], { transfer });
        },
        dispose: async () => undefined,
      },
      classify: async (crops, { signal, ...options } = {}) => {
        const { content, transfer } = await sentPictures(crops);
        return (await this.#thread(signal)).call('classifyCrops', [content, options], {
          transfer,
          ...defined({ signal }),
        });
      },
    };
  }

  /**
   * Loads a recognizer in a thread of its own: decoding, detection and networks block that one.
   * @param signal gives loading up, and ends the thread
   * @param packing of files, where it need not be a copy
   * @throws UserError as `Recognizer.load` does, and where no thread can be started; the signal's reason
   */
  static async start(
    startThread: StartThread,
    { signal, packing }: { readonly signal?: AbortSignal | undefined; readonly packing?: Packing } = {},
  ): Promise<ThreadEngine> {
    const { thread, loaded } = await RecognitionThread.start(startThread, signal);
    return new ThreadEngine(startThread, packing, thread, loaded);
  }

  async *settle(
    images: ImageList,
    { signal, until, ...options }: RecognizeOptions,
  ): AsyncGenerator<PromiseSettledResult<Recognition>, void, void> {
    const pack = async (image: ImageSource): Promise<Parcel<SentItem>> => {
      const { content, ...rest } = await sentImage(image, this.#packing);
      return { content: { image: content }, ...rest };
    };
    const pump = new ItemPump(images, pack, picturesAhead);
    yield* settled(this.#stream('settle', options, pump, signal, until));
  }

  async *recognizeFrames(
    frames: AsyncIterable<TimedImage>,
    { signal, ...options }: RecognizeFramesOptions,
  ): AsyncGenerator<VideoFrame, void, void> {
    yield* this.#stream('frames', options, framePump(frames, this.#packing), signal);
  }

  async *recognizeFrameFiles(
    frames: AsyncIterable<TimedFile>,
    { signal, ...options }: RecognizeFramesOptions,
  ): AsyncGenerator<PromiseSettledResult<VideoFrame>, void, void> {
    yield* settled(this.#stream('frameFiles', options, framePump(frames, this.#packing), signal));
  }

  async recognizeFaces(
    picture: RawImage,
    faces: readonly Face[],
    options: RecognizeFacesOptions,
  ): Promise<RecognizedFace[]> {
    const { content, transfer } = await sentPixels(picture);
    return (await this.#thread()).call('recognizeFaces', [content, faces, options], { transfer });
  }

  async explainFaces(source: ImageSource, { signal, ...options }: ExplainFacesOptions): Promise<ExplainedFace[]> {
    const { content, transfer } = await sentImage(source);
    return (await this.#thread(signal)).call('explainFaces', [content, options], { transfer, ...defined({ signal }) });
  }

  async dispose(reason: Error): Promise<void> {
    this.#disposal = reason;
    this.#stop.abort(reason);
    await this.#starting?.catch(() => undefined);
    await this.#live.dispose(reason);
  }

  #detector(): FaceDetector {
    return {
      detect: async (picture, { signal, ...options } = {}) => {
        const { content, transfer } = await sentPicture(picture);
        return (await this.#thread(signal)).call('detect', [content, options], { transfer, ...defined({ signal }) });
      },
      follow: async (picture, faces, minScore) => {
        const [first, ...smaller] = 'data' in picture ? ([picture] as const) : picture;
        const parcels = await Promise.all([sentPicture(first), ...smaller.map(sentPicture)]);
        const [{ content }, ...others] = parcels;
        const pictures = [content, ...others.map((parcel) => parcel.content)] as const;
        const transfer = parcels.flatMap((parcel) => parcel.transfer);
        return (await this.#thread()).call('follow', [pictures, faces, minScore], { transfer });
      },
      dispose: async () => undefined,
    };
  }

  /**
   * Waits until there is a thread: where it has died, the next one is started, which calls would wait for.
   * @throws UserError where it does not start
   */
  async ready(): Promise<void> {
    await this.#thread();
  }

  /** Why the thread has ended, if it has and no other has taken its place. */
  get ended(): Error | undefined {
    return this.#live.ended;
  }

  /** The thread, or the next where it has died. @throws the signal's reason, also while that one is started */
  async #thread(signal?: AbortSignal): Promise<RecognitionThread> {
    if (this.#disposal !== undefined) throw this.#disposal;
    if (this.#live.ended === undefined) return this.#live;
    this.#starting ??= this.#startAgain();
    return signal === undefined ? this.#starting : orAborted(this.#starting, signal);
  }

  async #startAgain(): Promise<RecognitionThread> {
    try {
      const { thread } = await RecognitionThread.start(this.#startThread, this.#stop.signal);
      this.#live = thread;
      return thread;
    } finally {
      this.#starting = undefined;
    }
  }

  async *#stream<K extends keyof Streams, T>(
    name: K,
    options: Parameters<Streams[K]>[0],
    pump: ItemPump<T>,
    signal?: AbortSignal,
    until?: AbortSignal,
  ): AsyncGenerator<ReturnType<Streams[K]>, void, void> {
    signal?.throwIfAborted();
    const stream = (await this.#thread(signal)).open(name, options, () => pump.want());
    const releases = [
      ...(signal === undefined ? [] : [onceAborted(signal, () => stream.tell('abort'))]),
      ...(until === undefined ? [] : [onceAborted(until, () => stream.tell('until'))]),
    ];
    void pump.run(stream);
    try {
      for (;;) {
        const next = await stream.next();
        if (next === undefined) break;
        yield next.result;
      }
      signal?.throwIfAborted();
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof SourceFailure ? pump.failure : error;
    } finally {
      for (const release of releases) release();
      await Promise.all([pump.close(), stream.leave()]);
    }
  }
}

/** Of a live stream the newest frame counts: none is read before it is asked for. */
const framePump = (
  frames: AsyncIterable<TimedFrame<ImageSource>>,
  packing: Packing | undefined,
): ItemPump<TimedFrame<ImageSource>> =>
  new ItemPump(
    frames,
    async (frame) => {
      const { content, ...rest } = await sentFrame(frame, packing);
      return { content: { frame: content }, ...rest };
    },
    0,
  );

async function* settled<T>(
  results: AsyncIterable<{ readonly value: T } | { readonly refused: SentError }>,
): AsyncGenerator<PromiseSettledResult<T>, void, void> {
  for await (const result of results) {
    if ('value' in result) yield { status: 'fulfilled', value: result.value };
    else yield { status: 'rejected', reason: errorOf(result.refused) };
  }
}

/** As `whenAborted`, also where it was aborted before. */
function onceAborted(signal: AbortSignal, callback: () => void): () => void {
  if (!signal.aborted) return whenAborted(signal, callback);
  callback();
  return () => undefined;
}
