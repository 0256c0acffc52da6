import type { Preprocessing } from '../common/preprocessing.js';
import { decodePicture, inputFormat, normaliseInto, toNetworkSize } from '../data/index.js';

/**
 * A picture of a face crop as the network takes it: decoded, turned upright, resized to a square as in training, gray
 * where the network is, normalised.
 *
 * @param source a path, or the bytes of a picture file
 * @param name what errors call the bytes
 * @returns [C, S, S]
 * @throws UserError that says what is wrong with the picture.
 */
export async function loadPicture(
  source: string | Buffer,
  preprocessing: Preprocessing,
  name = 'The picture',
): Promise<Float32Array<ArrayBuffer>> {
  const { imageSize, channels } = preprocessing;
  const picture = toNetworkSize(await decodePicture(source, { name }), imageSize, channels);
  const values = new Float32Array(channels * imageSize * imageSize);
  normaliseInto(values, 0, picture.data, inputFormat(preprocessing));
  return values;
}
