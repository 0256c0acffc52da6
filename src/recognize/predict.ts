import type { Classifier } from './classifier.js';
import { loadPicture } from './pictures.js';
import { ranked, type Score } from './scores.js';

/**
 * Recognises the expression on pictures that already are face crops.
 * @param sources paths, or bytes of picture files
 * @returns for each picture the scores of all labels, the most probable first
 * @throws UserError that says what is wrong with a picture.
 */
export async function predict(classifier: Classifier, sources: readonly (string | Buffer)[]): Promise<Score[][]> {
  if (sources.length === 0) return [];
  const pictures = await Promise.all(sources.map((source) => loadPicture(source, classifier.preprocessing)));
  return classifyPictures(classifier, pictures);
}

/** The same for pictures that `loadPicture` prepared; at least one. */
export async function classifyPictures(classifier: Classifier, pictures: readonly Float32Array[]): Promise<Score[][]> {
  const { labels } = classifier.labels;
  const size = pictures[0]?.length ?? 0;
  const images = new Float32Array(pictures.length * size);
  pictures.forEach((picture, i) => {
    images.set(picture, i * size);
  });
  const { logits, probabilities } = await classifier.classify(images, pictures.length);
  return pictures.map((_, i) => {
    const row = (values: Float32Array): Float32Array => values.subarray(i * labels.length, (i + 1) * labels.length);
    return ranked(labels, row(logits), row(probabilities));
  });
}
