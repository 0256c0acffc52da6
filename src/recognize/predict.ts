import type { Classifier } from './classifier.js';
import { loadPicture } from './pictures.js';

/** An expression and how strongly a picture shows it. */
export interface Score {
  readonly label: string;
  /** In [0, 1]; those of a picture sum to 1. */
  readonly probability: number;
  readonly logit: number;
}

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

/** One picture's scores, logits and probabilities [K], the most probable first. */
export function ranked(labels: readonly string[], logits: Float32Array, probabilities: Float32Array): Score[] {
  return labels
    .map((label, k) => ({ label, probability: probabilities[k] ?? 0, logit: logits[k] ?? 0 }))
    .sort((a, b) => b.probability - a.probability);
}
