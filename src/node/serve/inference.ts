import { itemAt } from '../../common/item-at.js';
import { type ExplainedFace, type ExplainFacesOptions, explainFaces } from '../../explain/index.js';
import type { Picture } from '../../image/resize.js';
import type { Recognition, RecognizeOptions, Recognizer, Score } from '../../recognize/index.js';
import { Admission } from './admission.js';
import type { BroughtPicture } from './body-jobs.js';
import type { Metrics } from './metrics.js';
import type { Networks } from './networks.js';
import { RequestProblem } from './problem.js';
import type { CompleteSettings } from './settings.js';

/** What is asked of the networks, in its turn. */
export class Inference {
  readonly admission: Admission;
  readonly #networks: Networks;
  readonly #settings: CompleteSettings;
  readonly #metrics: Metrics;

  constructor(networks: Networks, settings: CompleteSettings, metrics: Metrics) {
    this.#networks = networks;
    this.#settings = settings;
    this.#metrics = metrics;
    this.admission = new Admission(settings);
  }

  /** @throws RequestProblem while the networks are loaded */
  get recognizer(): Recognizer {
    return this.#networks.recognizer;
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
    const refused = pictures.map((picture, i) => this.refusal(picture, `Picture ${i + 1}`));
    const usable = pictures.filter((_, i) => refused[i] === undefined).map(({ bytes }) => bytes);
    if (usable.length === 0) return refused.map((reason) => ({ status: 'rejected', reason }));
    const recognized = await this.#admitted(usable.length, signal, async (recognizer) => {
      const results: PromiseSettledResult<Recognition>[] = [];
      for await (const result of recognizer.settle(usable, { ...options, signal })) results.push(result);
      return results;
    });
    for (const result of recognized) if (result.status === 'fulfilled') this.count(result.value.faces.length);
    let next = 0;
    return refused.map((reason) =>
      reason === undefined ? itemAt(recognized, next++) : { status: 'rejected', reason },
    );
  }

  /** What face crops show that are at the network's size. */
  classify(crops: readonly Picture[], signal: AbortSignal): Promise<Score[][]> {
    return this.#admitted(crops.length, signal, (recognizer) => recognizer.crops.classify(crops, { signal }));
  }

  /** What the network attends to in the faces of a picture. */
  async explain(picture: BroughtPicture, options: ExplainFacesOptions, signal: AbortSignal): Promise<ExplainedFace[]> {
    const refusal = this.refusal(picture, 'Picture 1');
    if (refusal !== undefined) throw refusal;
    const faces = await this.#admitted(1, signal, (recognizer) =>
      explainFaces(recognizer, picture.bytes, { ...options, signal }),
    );
    this.count(faces.length);
    return faces;
  }

  /** Counts a picture that was looked at, for those who watch the server. */
  count(faces: number): void {
    this.#metrics.pictures.inc();
    this.#metrics.faces.inc(faces);
  }

  #admitted<T>(pictures: number, signal: AbortSignal, work: (recognizer: Recognizer) => Promise<T>): Promise<T> {
    // In its turn: by then the networks may be loaded again.
    const begin = async (): Promise<T> => work(this.recognizer);
    return this.admission.run(pictures, signal, begin, (seconds) => this.#metrics.queueSeconds.observe(seconds));
  }

  /**
   * Why a picture is not looked at. What is no picture at all is told by the decoder.
   * @param name of the picture, for the sentence
   */
  refusal({ size }: BroughtPicture, name: string): RequestProblem | undefined {
    const { maxPixels } = this.#settings;
    if (size === undefined || size.width * size.height <= maxPixels) return undefined;
    const text = `${name} is ${size.width} x ${size.height} pixels`;
    return new RequestProblem('too-large', `${text}, more than the ${maxPixels} that are accepted; save it smaller.`);
  }
}
