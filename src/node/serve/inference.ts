import { itemAt } from '../../common/item-at.js';
import type { ProgressOptions } from '../../common/load-progress.js';
import { type ExplainedFace, type ExplainFacesOptions, explainFaces } from '../../explain/index.js';
import type { Picture } from '../../image/resize.js';
import {
  type Recognition,
  type RecognizeOptions,
  Recognizer,
  type RecognizerOptions,
  type Score,
} from '../../recognize/index.js';
import { Admission } from './admission.js';
import type { BroughtPicture } from './body-jobs.js';
import type { Metrics } from './metrics.js';
import { RequestProblem } from './problem.js';
import type { CompleteSettings } from './settings.js';

/** What a server recognises with: `worker` and `decode` are its own matter. */
export type ServedRecognizer = Omit<RecognizerOptions, 'worker' | 'decode' | keyof ProgressOptions>;

/** The networks, in a thread of their own, and who may use them when. */
export class Inference {
  readonly admission: Admission;
  readonly #settings: CompleteSettings;
  readonly #metrics: Metrics;
  #recognizer: Recognizer | undefined;

  constructor(settings: CompleteSettings, metrics: Metrics) {
    this.#settings = settings;
    this.#metrics = metrics;
    this.admission = new Admission(settings);
  }

  /** Loads and warms the networks. @throws UserError as `Recognizer.load` does */
  async load(options: ServedRecognizer): Promise<void> {
    const recognizer = await Recognizer.load({ ...options, worker: true });
    try {
      await warm(recognizer);
    } catch (error) {
      await recognizer.dispose();
      throw error;
    }
    this.#recognizer = recognizer;
  }

  get isLoaded(): boolean {
    return this.#recognizer !== undefined;
  }

  /** @throws RequestProblem while the networks are loaded */
  get recognizer(): Recognizer {
    if (this.#recognizer !== undefined) return this.#recognizer;
    throw new RequestProblem('loading', 'The networks are still being loaded; ask again in a few seconds.', {
      retryAfter: 5,
    });
  }

  /** The network's name, as its weights say it. */
  get model(): string {
    return this.recognizer.classifier.description.model.name;
  }

  /**
   * What pictures show, each result in its place.
   * @returns for a picture that cannot be used, why
   * @throws RequestProblem where there is no time; the signal's reason
   */
  async recognize(
    pictures: readonly BroughtPicture[],
    options: Pick<RecognizeOptions, 'detect' | 'crops'>,
    signal: AbortSignal,
  ): Promise<PromiseSettledResult<Recognition>[]> {
    const { recognizer } = this;
    const refused = pictures.map((picture, i) => this.refusal(picture, `Picture ${i + 1}`));
    const usable = pictures.filter((_, i) => refused[i] === undefined).map(({ bytes }) => bytes);
    const seen = await this.#admitted(usable.length, signal, async () => {
      const results: PromiseSettledResult<Recognition>[] = [];
      for await (const result of recognizer.settle(usable, { ...options, signal })) results.push(result);
      return results;
    });
    for (const result of seen) if (result.status === 'fulfilled') this.#metrics.faces.inc(result.value.faces.length);
    this.#metrics.pictures.inc(pictures.length);
    let next = 0;
    return refused.map((reason) => (reason === undefined ? itemAt(seen, next++) : { status: 'rejected', reason }));
  }

  /** What face crops show that are at the network's size. */
  classify(crops: readonly Picture[], signal: AbortSignal): Promise<Score[][]> {
    const { recognizer } = this;
    return this.#admitted(crops.length, signal, () => recognizer.crops.classify(crops, { signal }));
  }

  /** What the network attends to in the faces of a picture. */
  async explain(picture: BroughtPicture, options: ExplainFacesOptions, signal: AbortSignal): Promise<ExplainedFace[]> {
    const { recognizer } = this;
    const refusal = this.refusal(picture, 'Picture 1');
    if (refusal !== undefined) throw refusal;
    return this.#admitted(1, signal, () => explainFaces(recognizer, picture.bytes, { ...options, signal }));
  }

  async dispose(): Promise<void> {
    await this.#recognizer?.dispose();
  }

  #admitted<T>(pictures: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.admission.run(pictures, signal, work, (seconds) => this.#metrics.queueSeconds.observe(seconds));
  }

  /**
   * Why a picture is not looked at. What is no picture at all is told by the decoder.
   * @param name of the picture, for the sentence
   */
  refusal({ size }: BroughtPicture, name: string): RequestProblem | undefined {
    const { maxPixels } = this.#settings;
    if (size === undefined || size.width * size.height <= maxPixels) return undefined;
    const told = `${name} is ${size.width} x ${size.height} pixels`;
    return new RequestProblem('too-large', `${told}, more than the ${maxPixels} that are accepted; save it smaller.`);
  }
}

/**
 * Runs each network once, so that the first request takes no longer than others. Little is looked at: whoever waits for a server that
 * starts again waits for this too.
 */
async function warm(recognizer: Recognizer): Promise<void> {
  const { imageSize, channels } = recognizer.classifier.preprocessing;
  const data = new Uint8Array(imageSize * imageSize * channels).fill(127);
  await recognizer.crops.classify([{ width: imageSize, height: imageSize, channels, data }]);
  const side = 640;
  const gray: Picture = { width: side, height: side, channels: 1, data: new Uint8Array(side * side).fill(127) };
  await recognizer.recognize(gray, { detect: { turned: false } });
}
