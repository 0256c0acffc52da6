import { defined } from '../common/defined.js';
import type { FileSource } from '../common/file-source.js';
import { linked } from '../common/signals.js';
import type { Face, FaceDetector } from '../detect/index.js';
import type { LowContrast } from '../image/contrast.js';
import type { ImageDecoder, ImageSource, RawImage } from '../image/image-source.js';
import type { Classifier } from './classifier.js';
import { CropClassifier } from './crop-classifier.js';
import type { NetworkOptions } from './network.js';
import {
  type Pipeline,
  type RecognizeOptions,
  type RecognizerParts,
  recognizeAll,
  recognizeFaces,
} from './pipeline.js';
import type { Recognition, RecognizedFace } from './recognition.js';

/** Pictures, one after the other. */
export type ImageList = (object & Iterable<ImageSource>) | AsyncIterable<ImageSource>;

export type RecognizeFacesOptions = Pick<RecognizeOptions, 'batchSize' | 'crops'>;

/** What a `Recognizer` works with: networks in its own thread (`LocalEngine`), or in another one that the host starts. */
export interface RecognitionEngine {
  readonly crops: Pick<CropClassifier, 'classifier' | 'classify'>;
  /** Undefined where pictures are face crops. */
  readonly detector: FaceDetector | undefined;
  readonly lowContrast: LowContrast;
  /** See `recognizeAll`. */
  settle(images: ImageList, options: RecognizeOptions): AsyncGenerator<PromiseSettledResult<Recognition>, void, void>;
  /** See `recognizeFaces` of the pipeline. */
  recognizeFaces(picture: RawImage, faces: readonly Face[], options: RecognizeFacesOptions): Promise<RecognizedFace[]>;
  /** Frees the networks' memory. What is under way, and what comes later, throws the reason. Called once. */
  dispose(reason: Error): Promise<void>;
}

/** Where a recognizer's weights came from, and how they were loaded. */
export interface LoadedWeights {
  /** @throws UserError where they cannot be had any more */
  source(): Promise<FileSource>;
  readonly options: NetworkOptions;
}

/** Networks in this thread, which their runs block. */
export class LocalEngine implements RecognitionEngine {
  /** Undefined where it was made of parts. */
  readonly weights: LoadedWeights | undefined;
  readonly #parts: Pipeline;
  readonly #disposal = new AbortController();
  /** Runs of the networks that have begun: memory is freed after them. */
  readonly #running = new Set<Promise<unknown>>();

  /** What was loaded later, for other uses of the same weights. */
  readonly #others: (() => Promise<void>)[] = [];

  constructor({ classifier, detector, ...parts }: RecognizerParts, weights?: LoadedWeights) {
    this.weights = weights;
    // Each by its name: a program's own may be an instance of a class.
    const { labels, preprocessing, description, prefer, acrossBatch, threads } = classifier;
    const watched: Classifier = {
      ...{ labels, preprocessing, description, ...defined<Classifier>({ prefer, acrossBatch, threads }) },
      classify: (images, n) => this.run(() => classifier.classify(images, n)),
      dispose: () => classifier.dispose(),
    };
    this.#parts = {
      ...parts,
      crops: new CropClassifier(watched),
      ...(detector === undefined ? {} : { detector: this.#watched(detector) }),
    };
  }

  get crops(): CropClassifier {
    return this.#parts.crops;
  }

  get lowContrast(): LowContrast {
    return this.#parts.lowContrast ?? 'stretch';
  }

  get detector(): FaceDetector | undefined {
    return this.#parts.detector;
  }

  get decode(): ImageDecoder {
    return this.#parts.decode;
  }

  async *settle(
    images: ImageList,
    options: RecognizeOptions,
  ): AsyncGenerator<PromiseSettledResult<Recognition>, void, void> {
    this.#disposal.signal.throwIfAborted();
    const stop = linked([this.#disposal.signal, options.signal]);
    try {
      yield* recognizeAll(this.#parts, images, { ...options, signal: stop.signal });
    } finally {
      stop.release();
    }
  }

  recognizeFaces(picture: RawImage, faces: readonly Face[], options: RecognizeFacesOptions): Promise<RecognizedFace[]> {
    return recognizeFaces(this.#parts, picture, faces, options);
  }

  async dispose(reason: Error): Promise<void> {
    this.#disposal.abort(reason);
    await Promise.allSettled(this.#running);
    try {
      await Promise.all([this.#parts.detector?.dispose(), ...this.#others.map((free) => free())]);
    } finally {
      await this.crops.dispose(reason);
    }
  }

  #watched(detector: FaceDetector): FaceDetector {
    return {
      dispose: () => detector.dispose(),
      detect: (picture, options) => this.run(() => detector.detect(picture, options)),
      follow: (picture, faces, minScore) => this.run(() => detector.follow(picture, faces, minScore)),
    };
  }

  /** Frees something with the networks. */
  onDispose(free: () => Promise<void>): void {
    this.#others.push(free);
  }

  /**
   * Work with networks, whose memory is freed after it.
   * @throws what the work throws; the reason of `dispose` after that
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#disposal.signal.throwIfAborted();
    const run = work();
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }
}
