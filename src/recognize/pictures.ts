import { host } from '#host';
import type { Preprocessing } from '../common/preprocessing.js';
import type { EncodedImage, FaceCrop, LowContrast } from '../image/index.js';
import { cropTensor, cropWhole } from './face-crops.js';

/**
 * A picture of a face crop at the network's size: decoded, turned upright, resized to a square as in training, gray where the
 * network is.
 *
 * @param source bytes of a picture file, or where it is
 * @param name what errors call the bytes
 * @param lowContrast what becomes of a picture of low contrast (default: it is stretched)
 * @throws UserError that says what is wrong with the picture.
 */
export async function loadCrop(
  source: EncodedImage,
  preprocessing: Preprocessing,
  name = 'The picture',
  lowContrast: LowContrast = 'stretch',
): Promise<FaceCrop> {
  const { picture } = await host.decodeImage(source, { transparency: 'drop', name });
  return cropWhole(picture, preprocessing, lowContrast);
}

/**
 * The same as the network takes it, normalised.
 * @returns [C, S, S]
 * @throws UserError that says what is wrong with the picture.
 */
export async function loadPicture(
  source: EncodedImage,
  preprocessing: Preprocessing,
  name?: string,
  lowContrast?: LowContrast,
): Promise<Float32Array<ArrayBuffer>> {
  return cropTensor([await loadCrop(source, preprocessing, name, lowContrast)], preprocessing);
}
