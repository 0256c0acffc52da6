import type { ImageSource } from '../image/image-source.js';
import type { Classifier } from './classifier.js';
import { CropClassifier } from './crop-classifier.js';
import { loadCrop } from './pictures.js';
import type { Score } from './scores.js';

/**
 * Recognises the expression on pictures that already are face crops.
 * @param sources bytes of picture files, where they are, or pixels
 * @returns for each picture the scores of all labels, the most probable first
 * @throws UserError that says what is wrong with a picture.
 */
export async function predict(classifier: Classifier, sources: readonly ImageSource[]): Promise<Score[][]> {
  const crops = await Promise.all(sources.map((source) => loadCrop(source, classifier.preprocessing)));
  return new CropClassifier(classifier).classify(crops);
}
