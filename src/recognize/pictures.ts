import type { Preprocessing } from '../common/preprocessing.js';
import type { FaceCrop, ImageSource, LowContrast } from '../image/index.js';
import { decodeSource } from './decode-source.js';
import { cropTensor, cropWhole } from './face-crops.js';

/**
 * A picture of a face crop at the network's size: decoded, turned upright, resized to a square as in training, gray where the
 * network is.
 *
 * @param source bytes of a picture file, where it is, or pixels
 * @param name what errors call the bytes
 * @param lowContrast what becomes of a picture of low contrast (default: it is stretched)
 * @throws UserError that says what is wrong with the picture.
 */
export async function loadCrop(
  source: ImageSource,
  preprocessing: Preprocessing,
  name = 'The picture',
  lowContrast: LowContrast = 'stretch',
): Promise<FaceCrop> {
  const { picture } = await decodeSource(source, { transparency: 'drop', name });
  return cropWhole(picture, preprocessing, lowContrast);
}

/**
 * The same as the network takes it, normalised.
 * @returns [C, S, S]
 * @throws UserError that says what is wrong with the picture.
 */
export async function loadPicture(
  source: ImageSource,
  preprocessing: Preprocessing,
  name?: string,
  lowContrast?: LowContrast,
): Promise<Float32Array<ArrayBuffer>> {
  return cropTensor([await loadCrop(source, preprocessing, name, lowContrast)], preprocessing);
}
