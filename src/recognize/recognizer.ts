import { host } from '#host';
import { aBoolean, aNumber, anObject, aSignal, checkOptions, type OptionRules } from '../common/check-options.js';
import { cropTemplateFor } from '../common/crop-templates.js';
import { UserError } from '../common/errors.js';
import type { LabelSet } from '../common/labels.js';
import type { CropTemplate } from '../common/preprocessing.js';
import type { DetectOptions, Face, FaceDetector } from '../detect/index.js';
import { checkDetectOptions } from '../detect/index.js';
import { checkLowContrast, type LowContrast } from '../image/contrast.js';
import type { ImageSource, RawImage } from '../image/image-source.js';
import type { Classifier } from './classifier.js';
import type { RecognizeOptions, RecognizerParts } from './pipeline.js';
import type { Recognition, RecognizedFace } from './recognition.js';
import {
  type ImageList,
  LocalEngine,
  type RecognitionEngine,
  type RecognizeFacesOptions,
} from './recognition-engine.js';
import { loadRules, type RecognizerOptions } from './recognizer-options.js';

export type { RecognizerOptions } from './recognizer-options.js';

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
    const { detect = {}, decode, signal } = options;
    signal?.throwIfAborted();
    checkLowContrast(options.lowContrast ?? 'stretch');
    checkDetectOptions(detect);
    if (options.worker ?? (host.startsThreads && decode === undefined)) {
      const { startEngine } = await import('#recognition-thread');
      return new Recognizer(await startEngine(options), detect);
    }
    // A page whose recognizer has a worker never needs it: networks, their graphs and how they are written are most of the package.
    const { loadEngine } = await import('./load-engine.js');
    return new Recognizer(await loadEngine(options), detect);
  }

  /**
   * One of parts that are ready, or of an engine; disposing of it disposes of them.
   * @throws UserError (kind `usage`) where a part is missing, or for options that cannot be
   */
  static of(parts: RecognizerParts | RecognitionEngine, detect: Omit<DetectOptions, 'signal'> = {}): Recognizer {
    checkParts(parts);
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

/** Programs without types may pass anything. @throws UserError (kind `usage`) */
function checkParts(parts: unknown): void {
  const given = typeof parts === 'object' && parts !== null;
  if (given && ('settle' in parts || ('classifier' in parts && 'decode' in parts))) return;
  throw new UserError(
    'Recognizer.of needs a classifier and a decoder of pictures (decode), or an engine; give them.',
    'usage',
  );
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
