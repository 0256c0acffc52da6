import { host } from '#host';
import {
  checkImage,
  type DecodedImage,
  type DecodeRequest,
  type ImageDecoder,
  type ImageSource,
  isRawImage,
  pictureOf,
} from '../image/image-source.js';

/**
 * The pixels of a picture of any kind: files are decoded, all else is read as it is.
 * @param decode of files; default: the host's
 * @throws UserError that says what is wrong with the picture, or the signal's reason.
 */
export async function decodeSource(
  image: ImageSource,
  request: DecodeRequest,
  decode: ImageDecoder = host.decodeImage,
): Promise<DecodedImage> {
  const read = host.pictureReader(image);
  if (read !== undefined) return read(request);
  checkImage(image, request.name, host.pictureKinds);
  return isRawImage(image) ? { picture: pictureOf(image, request), frames: 1 } : decode(image, request);
}
