import { pathOrAddress } from '../common/addresses.js';
import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import type { ImageSource } from '../image/image-source.js';
import type { Recognition, RecognizedFace } from './recognition.js';
import { Recognizer, type RecognizerOptions } from './recognizer.js';

/** As transformers.js' pipelines give it. */
export interface ImageClassification {
  readonly label: string;
  /** In [0, 1]. */
  readonly score: number;
}

export interface ClassifyImageOptions {
  /** How many labels, the most probable first (default 5); null: all. */
  readonly top_k?: number | null;
}

/** In the shape of transformers.js' `pipeline('image-classification')`. Strings may be `http(s):`, `file:` and `data:` addresses here. */
export interface ImageClassificationPipeline {
  /** @returns the labels of the largest face, or of the whole picture where it was loaded with `aligned`; none without a face */
  (image: ImageSource, options?: ClassifyImageOptions): Promise<ImageClassification[]>;
  (images: readonly ImageSource[], options?: ClassifyImageOptions): Promise<ImageClassification[][]>;
  dispose(): Promise<void>;
}

/**
 * A drop-in for `await pipeline('image-classification', ...)` that finds the face first.
 * @param options of `Recognizer.load`, or a recognizer that is loaded: calls then share its runs of the network, and it stays when
 * the pipeline is disposed of
 * @throws UserError as `Recognizer.load` does
 */
export async function imageClassification(
  options: RecognizerOptions | Recognizer = {},
): Promise<ImageClassificationPipeline> {
  const given = options instanceof Recognizer;
  const recognizer = given ? options : await Recognizer.load(options);

  function classify(image: ImageSource, options?: ClassifyImageOptions): Promise<ImageClassification[]>;
  function classify(images: readonly ImageSource[], options?: ClassifyImageOptions): Promise<ImageClassification[][]>;
  async function classify(
    images: ImageSource | readonly ImageSource[],
    { top_k = 5 }: ClassifyImageOptions = {},
  ): Promise<ImageClassification[] | ImageClassification[][]> {
    if (top_k !== null && !(Number.isSafeInteger(top_k) && top_k >= 1)) {
      throw new UserError(`There cannot be ${top_k} labels; top_k is a whole number from 1, or null for all.`, 'usage');
    }
    const list = isList(images) ? images : [images];
    const results = (await recognizer.recognize(list.map(located))).map((result) => topOf(result, top_k));
    return isList(images) ? results : itemAt(results, 0);
  }
  return Object.assign(classify, { dispose: async () => (given ? undefined : recognizer.dispose()) });
}

function isList(images: ImageSource | readonly ImageSource[]): images is readonly ImageSource[] {
  return Array.isArray(images);
}

const located = (image: ImageSource): ImageSource => (typeof image === 'string' ? pathOrAddress(image) : image);

function topOf({ faces }: Recognition, count: number | null): ImageClassification[] {
  const area = ({ box }: RecognizedFace): number => box.width * box.height;
  const largest = faces.reduce<RecognizedFace | undefined>(
    (best, face) => (best === undefined || area(face) > area(best) ? face : best),
    undefined,
  );
  return (largest?.scores ?? [])
    .slice(0, count ?? undefined)
    .map(({ label, probability }) => ({ label, score: probability }));
}
