import { cropTemplateFor } from '../common/crop-templates.js';
import { UserError } from '../common/errors.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { alignFace, type Keypoints } from '../detect/index.js';
import { inputFormat, normaliseInto } from '../image/augment.js';
import { type FaceCrop, type LowContrast, withContrast } from '../image/contrast.js';
import { type Picture, toNetworkSize } from '../image/resize.js';
import type { Classifier } from './classifier.js';
import { ranked, type Score } from './scores.js';

/** Crops that the classifier looks at in one run. */
export const defaultBatchSize = 32;

/**
 * A face as the network sees it: aligned as the weights were trained, at the network's size, gray where the network is.
 * @param picture RGB or gray, with the keypoints in its pixels
 * @param lowContrast what becomes of a crop of low contrast (default: it is stretched)
 */
export function cropFace(
  picture: Picture,
  keypoints: Keypoints,
  preprocessing: Preprocessing,
  lowContrast: LowContrast = 'stretch',
): FaceCrop {
  const aligned = alignFace(picture, keypoints, cropTemplateFor(preprocessing), preprocessing.imageSize);
  return cropWhole(aligned, preprocessing, lowContrast);
}

/** A picture that is a face crop already, squeezed to the network's square. */
export function cropWhole(
  picture: Picture,
  { imageSize, channels }: Preprocessing,
  lowContrast: LowContrast = 'stretch',
): FaceCrop {
  return withContrast(toNetworkSize(withChannels(picture, channels), imageSize, channels), lowContrast);
}

/** Gray repeated where a network takes RGB; the other way is `toNetworkSize`'s. */
function withChannels(picture: Picture, channels: 1 | 3): Picture {
  if (picture.channels !== 1 || channels === 1) return picture;
  const data = new Uint8Array(picture.data.length * 3);
  picture.data.forEach((value, i) => {
    data.fill(value, 3 * i, 3 * i + 3);
  });
  return { ...picture, channels: 3, data };
}

/**
 * The scores of crops, in runs of at most `batchSize`, from 1.
 * @param crops of `cropFace` or `cropWhole`; none is no run
 * @returns for each crop all labels, the most probable first
 */
export async function classifyCrops(
  classifier: Classifier,
  crops: readonly Picture[],
  batchSize: number = defaultBatchSize,
): Promise<Score[][]> {
  if (!(Number.isSafeInteger(batchSize) && batchSize >= 1)) {
    throw new UserError(`A batch cannot have ${batchSize} faces; batchSize is a whole number from 1.`, 'usage');
  }
  const { labels } = classifier.labels;
  const { imageSize, channels } = classifier.preprocessing;
  const format = inputFormat(classifier.preprocessing);
  const size = channels * imageSize * imageSize;
  const scores: Score[][] = [];
  for (let start = 0; start < crops.length; start += batchSize) {
    const batch = crops.slice(start, start + batchSize);
    const images = new Float32Array(batch.length * size);
    batch.forEach(({ data }, i) => {
      normaliseInto(images, i * size, data, format);
    });
    const { logits, probabilities } = await classifier.classify(images, batch.length);
    const row = (values: Float32Array, i: number): Float32Array =>
      values.subarray(i * labels.length, (i + 1) * labels.length);
    batch.forEach((_, i) => {
      scores.push(ranked(labels, row(logits, i), row(probabilities, i)));
    });
  }
  return scores;
}
