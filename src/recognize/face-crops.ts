import { cropTemplateFor } from '../common/crop-templates.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { alignFace, type Keypoints } from '../detect/index.js';
import { type FaceCrop, type LowContrast, withContrast } from '../image/contrast.js';
import { inputFormat, normaliseInto } from '../image/input-format.js';
import { type Picture, toNetworkSize } from '../image/resize.js';

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
 * Crops as the network takes them, normalised.
 * @param crops of `cropFace` or `cropWhole`, for the same preprocessing
 * @returns [n, C, S, S]
 */
export function cropTensor(crops: readonly Picture[], preprocessing: Preprocessing): Float32Array<ArrayBuffer> {
  const format = inputFormat(preprocessing);
  const size = format.channels * format.size ** 2;
  const images = new Float32Array(crops.length * size);
  crops.forEach(({ data }, i) => {
    normaliseInto(images, i * size, data, format);
  });
  return images;
}
