import { host } from '#host';
import { allOrNone } from '../common/all-or-none.js';
import {
  aBoolean,
  aFile,
  aFunction,
  aNumber,
  anObject,
  aSignal,
  aText,
  checkOptions,
  type OptionRules,
} from '../common/check-options.js';
import { cropTemplateFor } from '../common/crop-templates.js';
import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import type { FileSource } from '../common/file-source.js';
import type { LabelSet } from '../common/labels.js';
import type { ProgressOptions } from '../common/load-progress.js';
import type { CropTemplate } from '../common/preprocessing.js';
import type { DetectOptions, Face, FaceDetector } from '../detect/index.js';
import { checkDetectOptions, loadFaceDetector } from '../detect/index.js';
import { checkLowContrast, type LowContrast } from '../image/contrast.js';
import type { ImageDecoder, ImageSource, RawImage } from '../image/image-source.js';
import type { AssumedModel } from '../models/index.js';
import { chooseDevice, type DeviceName } from '../runtime/index.js';
import type { Preference } from '../safetensors/index.js';
import { type Classifier, loadClassifier } from './classifier.js';
import type { RecognizeOptions, RecognizerParts } from './pipeline.js';
import type { Recognition, RecognizedFace } from './recognition.js';
import {
  type ImageList,
  LocalEngine,
  type RecognitionEngine,
  type RecognizeFacesOptions,
} from './recognition-engine.js';
import { viewsOf, withViews } from './views.js';

export interface RecognizerOptions extends ProgressOptions {
  /** The weights: a path on Node, an address in browsers, or the bytes of a file. Default: those that come with the package. */
  readonly checkpoint?: FileSource;
  /** The face detector's weights, `weights/face-detector.onnx` of this package, where they lie elsewhere than there. */
  readonly detectorWeights?: FileSource;
  /** What the expression network runs on; the small face detector runs on the CPU. Default `cpu`. */
  readonly device?: DeviceName | 'auto';
  /** Threads of the CPU; default: all cores, in browsers as docs/browser.md says. */
  readonly threads?: number;
  /** Pictures already are face crops, brow to chin, upright: nothing is detected. Default false. */
  readonly aligned?: boolean;
  /** Average over the crop and its mirror image (default false): a little more accurate, twice the time. */
  readonly flip?: boolean;
  /** Leave out the temperature that the weights hold, which makes probabilities mean what they say (default false). */
  readonly raw?: boolean;
  /** Which head of the weights decides: `accuracy` (default), or `rare`, which names rare expressions more often, where they have one. */
  readonly prefer?: Preference;
  /**
   * What becomes of face crops of low contrast: `stretch` (default) spreads it before the network sees them, `keep` leaves them
   * as they are, which is right for weights that were trained on such pictures.
   */
  readonly lowContrast?: LowContrast;
  /** How faces are found, in pictures and in videos; each call may say otherwise. */
  readonly detect?: Omit<DetectOptions, 'signal'>;
  /** What a checkpoint that does not say it itself holds. */
  readonly assumed?: AssumedModel;
  /**
   * Decoding, detection and networks run in a thread of their own, which the recognizer starts, so that this one is never blocked
   * for long. Not with `decode`. Default: false on Node and in workers, true in pages.
   */
  readonly worker?: boolean;
  /** Gives loading up: `load` throws the signal's reason, and a thread that was started for it ends. Afterwards it does not count. */
  readonly signal?: AbortSignal;
  /** How pictures are decoded. Default: by sharp on Node, by the browser in browsers. */
  readonly decode?: ImageDecoder;
}

/** Bounds and names are checked where they count. */
const loadRules: OptionRules<RecognizerOptions> = {
  checkpoint: aFile,
  detectorWeights: aFile,
  device: aText,
  threads: aNumber,
  aligned: aBoolean,
  flip: aBoolean,
  raw: aBoolean,
  prefer: aText,
  lowContrast: aText,
  detect: anObject,
  assumed: anObject,
  worker: aBoolean,
  decode: aFunction,
  onProgress: aFunction,
  signal: aSignal,
};
const recognizeRules: OptionRules<RecognizeOptions> = {
  signal: aSignal,
  until: aSignal,
  detect: anObject,
  batchSize: aNumber,
  picture: aBoolean,
  crops: aBoolean,
  portraits: aNumber,
};

/**
 * Finds the faces of pictures and reads their expressions.
 *
 *     const recognizer = await Recognizer.load();
 *     const { faces } = await recognizer.recognize('photo.jpg');
 *     await recognizer.dispose();
 */
export class Recognizer {
  readonly #engine: RecognitionEngine;
  readonly #detect: Omit<DetectOptions, 'signal'>;
  #disposed: Promise<void> | undefined;

  private constructor(engine: RecognitionEngine, detect: Omit<DetectOptions, 'signal'>) {
    this.#engine = engine;
    this.#detect = detect;
  }

  /**
   * Loads weights, once for any number of pictures.
   * @throws UserError where a file cannot be read or holds something else, or the device is not there; (kind `usage`) for options
   * that there are not, or that cannot be; the signal's reason.
   */
  static async load(options: RecognizerOptions = {}): Promise<Recognizer> {
    checkOptions(options, loadRules, 'Recognizer.load');
    const { device = 'cpu', threads, aligned = false, flip = false, detect = {}, assumed, decode, signal } = options;
    signal?.throwIfAborted();
    const { lowContrast = 'stretch', detectorWeights } = options;
    checkLowContrast(lowContrast);
    checkDetectOptions(detect);
    if (options.worker ?? (host.startsThreads && decode === undefined)) {
      const { startEngine } = await import('#recognition-thread');
      return new Recognizer(await startEngine(options), detect);
    }
    const loading = defined({ threads, onProgress: options.onProgress });
    const detectorOptions = { ...loading, ...(detectorWeights === undefined ? {} : { weights: detectorWeights }) };
    const chosen = await chooseDevice(device);
    const network = {
      ...loading,
      device: chosen.device,
      ...defined({ assumed, raw: options.raw, prefer: options.prefer }),
    };
    // Not kept: the host has the package's weights, and bytes of a browser's would stay in memory.
    const source = async (): Promise<FileSource> => options.checkpoint ?? host.bundledCheckpoint(loading);
    // Side by side: the runtime starts with the detector's small file while the large one still comes.
    const [classifier, detector] = await allOrNone(
      source().then((checkpoint) => loadClassifier(checkpoint, network)),
      aligned ? Promise.resolve(undefined) : loadFaceDetector(detectorOptions),
    );
    if (signal?.aborted === true) {
      await Promise.all([classifier.dispose(), detector?.dispose()]);
      throw signal.reason;
    }
    const parts = {
      classifier: flip ? withViews(classifier, viewsOf({ flip })) : classifier,
      decode: decode ?? host.decodeImage,
      lowContrast,
      ...defined({ detector }),
    };
    return new Recognizer(new LocalEngine(parts, { source, options: network }), detect);
  }

  /** One of parts that are ready, or of an engine; disposing of it disposes of them. */
  static of(parts: RecognizerParts | RecognitionEngine, detect: Omit<DetectOptions, 'signal'> = {}): Recognizer {
    checkDetectOptions(detect);
    return new Recognizer('settle' in parts ? parts : new LocalEngine(parts), detect);
  }

  /** What does the work. */
  get engine(): RecognitionEngine {
    return this.#engine;
  }

  /** The labels of scores, in the network's order. */
  get labels(): LabelSet {
    return this.classifier.labels;
  }

  get classifier(): Classifier {
    return this.crops.classifier;
  }

  /** Reads face crops; pictures, video frames and all else that is read with this recognizer share its runs of the network. */
  get crops(): RecognitionEngine['crops'] {
    return this.#engine.crops;
  }

  /** What becomes of face crops of low contrast. */
  get lowContrast(): LowContrast {
    return this.#engine.lowContrast;
  }

  /** Undefined where pictures are face crops. */
  get detector(): FaceDetector | undefined {
    return this.#engine.detector;
  }

  /** How faces are found where a call does not say otherwise. */
  get detect(): Omit<DetectOptions, 'signal'> {
    return this.#detect;
  }

  /** How faces lie in the crops that the network sees. */
  get template(): CropTemplate {
    return cropTemplateFor(this.classifier.preprocessing);
  }

  /**
   * What pictures show: one result for one picture, a list for a list, a generator in the same order for an async iterable,
   * of any length in the same memory. A list or generator is faster than picture by picture: faces share runs of the network,
   * and the next pictures are decoded meanwhile. A generator gives a result as soon as its source lets wait.
   *
   * @throws UserError that says what is wrong with a picture; `settle` goes on with the others
   */
  recognize(image: ImageSource, options?: RecognizeOptions): Promise<Recognition>;
  recognize(images: readonly ImageSource[], options?: RecognizeOptions): Promise<Recognition[]>;
  recognize(images: AsyncIterable<ImageSource>, options?: RecognizeOptions): AsyncGenerator<Recognition, void, void>;
  recognize(
    images: ImageSource | readonly ImageSource[] | AsyncIterable<ImageSource>,
    options: RecognizeOptions = {},
  ): Promise<Recognition | Recognition[]> | AsyncGenerator<Recognition, void, void> {
    checkOptions(options, recognizeRules, 'recognize');
    if (isList(images)) return this.#list(images, options);
    if (isStream(images)) return this.#stream(images, options);
    return this.#list([images], options).then(([first]) => {
      if (first === undefined) throw new Error('a picture gave no result');
      return first;
    });
  }

  /** The same for pictures some of which may be unusable: `rejected` with a `UserError` in their place. */
  async *settle(
    images: ImageList,
    options: RecognizeOptions = {},
  ): AsyncGenerator<PromiseSettledResult<Recognition>, void, void> {
    checkList(images);
    checkOptions(options, recognizeRules, 'settle');
    yield* this.#engine.settle(images, { ...options, detect: { ...this.#detect, ...options.detect } });
  }

  /** What faces of a decoded picture show that were found before, such as by following them from frame to frame. */
  async recognizeFaces(
    picture: RawImage,
    faces: readonly Face[],
    options: RecognizeFacesOptions = {},
  ): Promise<RecognizedFace[]> {
    return this.#engine.recognizeFaces(picture, faces, options);
  }

  async #list(images: readonly ImageSource[], options: RecognizeOptions): Promise<Recognition[]> {
    const results: Recognition[] = [];
    for await (const result of this.#stream(images, options)) results.push(result);
    return results;
  }

  async *#stream(images: ImageList, options: RecognizeOptions): AsyncGenerator<Recognition, void, void> {
    for await (const result of this.settle(images, options)) {
      if (result.status === 'rejected') throw result.reason;
      yield result.value;
    }
  }

  /** Frees the networks' memory; what is under way and later calls throw a `UserError` (kind `usage`). Safe to call again. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#engine.dispose(
      new UserError('This recognizer has been disposed of; load another one.', 'usage'),
    );
    return this.#disposed;
  }

  /** For `await using`, where the runtime has it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function isList(
  images: ImageSource | readonly ImageSource[] | AsyncIterable<ImageSource>,
): images is readonly ImageSource[] {
  return Array.isArray(images);
}

function isStream(images: ImageSource | AsyncIterable<ImageSource>): images is AsyncIterable<ImageSource> {
  return typeof images === 'object' && images !== null && Symbol.asyncIterator in images;
}

/** @throws UserError for what is no list or stream of pictures. */
function checkList(images: unknown): void {
  const iterable =
    typeof images === 'object' && images !== null && (Symbol.iterator in images || Symbol.asyncIterator in images);
  if (!iterable || ArrayBuffer.isView(images)) {
    throw new UserError('settle takes a list or an async iterable of pictures; put a single one into a list.', 'usage');
  }
  // A stream of Node's that gives pieces of one file.
  if ('readableObjectMode' in images && images.readableObjectMode === false) {
    throw new UserError(
      'A stream of bytes is not a list of pictures; collect it into a Buffer, or pass the path of the file.',
      'usage',
    );
  }
}
