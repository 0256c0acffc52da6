import type { SentError } from '../common/sent-errors.js';
import type { Face } from '../detect/index.js';
import type { ExplainedFace, ExplainFacesOptions } from '../explain/index.js';
import type { LowContrast, Picture } from '../image/index.js';
import type {
  Classified,
  Classifier,
  Recognition,
  RecognizedFace,
  RecognizeOptions,
  RecognizerOptions,
  Score,
} from '../recognize/index.js';
import type { RecognizeFramesOptions, VideoFrame } from '../video/index.js';
import type { SentFrame, SentImage, SentPixels } from './sent-pictures.js';

/** Without what cannot go to another thread, or is not for it. */
export type ThreadOptions = Omit<RecognizerOptions, 'decode' | 'detect' | 'onProgress' | 'worker'>;

/** What the thread says once its networks are loaded. */
export interface Loaded
  extends Pick<Classifier, 'labels' | 'preprocessing' | 'description' | 'prefer' | 'acrossBatch' | 'threads'> {
  readonly lowContrast: LowContrast;
  /** Whether it looks for faces. */
  readonly detects: boolean;
}

/** Options without signals: those are messages. */
export type WithoutSignals<Options> = Omit<Options, 'signal' | 'until'>;

/** What is asked once, and its answer. */
export interface Calls {
  classify(images: Float32Array, n: number): Classified;
  classifyCrops(crops: readonly Picture[], options: { readonly batchSize?: number }): Score[][];
  detect(picture: Picture, options: NonNullable<RecognizeOptions['detect']>): Face[];
  follow(
    picture: readonly [Picture, ...Picture[]],
    faces: readonly Face[],
    minScore: number | undefined,
  ): (Face | undefined)[];
  explainFaces(image: SentImage, options: WithoutSignals<ExplainFacesOptions>): ExplainedFace[];
  recognizeFaces(
    picture: SentPixels,
    faces: readonly Face[],
    options: Pick<RecognizeOptions, 'batchSize' | 'crops'>,
  ): RecognizedFace[];
}

/** What takes items one after the other, and gives results one after the other: the options, and a result. */
export interface Streams {
  settle(options: WithoutSignals<RecognizeOptions>): { readonly value: Recognition } | { readonly refused: SentError };
  frames(options: WithoutSignals<RecognizeFramesOptions>): VideoFrame;
  /** Of frames that are files. */
  frameFiles(
    options: WithoutSignals<RecognizeFramesOptions>,
  ): { readonly value: VideoFrame } | { readonly refused: SentError };
}

/** What a stream takes. */
export type SentItem = { readonly image: SentImage } | { readonly frame: SentFrame };

export interface Call<K extends keyof Calls> {
  readonly type: 'call';
  readonly id: number;
  readonly name: K;
  readonly given: Parameters<Calls[K]>;
}

export interface Stream<K extends keyof Streams> {
  readonly type: 'stream';
  readonly id: number;
  readonly name: K;
  readonly options: Parameters<Streams[K]>[0];
}

/** To the thread. The `id` is that of the call or stream. */
export type Request =
  | Call<keyof Calls>
  | Stream<keyof Streams>
  | { readonly type: 'item'; readonly id: number; readonly item: SentItem }
  /** There are no more items; `failed`: their source threw. */
  | { readonly type: 'end'; readonly id: number; readonly failed: boolean }
  /** Asks for the next result. */
  | { readonly type: 'next'; readonly id: number }
  /** Nobody wants results any more. */
  | { readonly type: 'leave'; readonly id: number }
  /** Its `signal` or `until` was aborted. */
  | { readonly type: 'abort' | 'until'; readonly id: number }
  | { readonly type: 'dispose' };

/** A `Request` but those of which one thing is asked once, or that end the thread. */
export type StreamRequest = Exclude<Request, { readonly type: 'call' | 'stream' | 'dispose' }>;

/** From the thread. */
export type Reply =
  | { readonly type: 'loaded'; readonly loaded: Loaded }
  | { readonly type: 'note'; readonly sentence: string }
  /** Of a call, or the next of a stream. */
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  /** A stream is at its end. */
  | { readonly type: 'done'; readonly id: number }
  /** `id` is null where loading failed. `ofSource`: what the source of items threw. */
  | { readonly type: 'error'; readonly id: number | null; readonly error: SentError; readonly ofSource: boolean }
  /** A stream takes one item more. */
  | { readonly type: 'want'; readonly id: number };
