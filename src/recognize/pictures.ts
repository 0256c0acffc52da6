import type { Preprocessing } from '../common/preprocessing.js';
import { inputFormat, type LowContrast, normaliseInto } from '../image/index.js';
import { decodePicture } from '../node/decode/index.js';
import { cropWhole } from './face-crops.js';

/**
 * A picture of a face crop as the network takes it: decoded, turned upright, resized to a square as in training, gray
 * where the network is, normalised.
 *
 * @param source a path, or the bytes of a picture file
 * @param name what errors call the bytes
 * @param lowContrast what becomes of a picture of low contrast (default: it is stretched)
 * @returns [C, S, S]
 * @throws UserError that says what is wrong with the picture.
 */
export async function loadPicture(
  source: string | Buffer,
  preprocessing: Preprocessing,
  name = 'The picture',
  lowContrast: LowContrast = 'stretch',
): Promise<Float32Array<ArrayBuffer>> {
  const { imageSize, channels } = preprocessing;
  const picture = cropWhole(await decodePicture(source, { name }), preprocessing, lowContrast);
  const values = new Float32Array(channels * imageSize * imageSize);
  normaliseInto(values, 0, picture.data, inputFormat(preprocessing));
  return values;
}
