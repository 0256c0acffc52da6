import { host } from '#host';
import {
  checkImage,
  type DecodedImage,
  type DecodeRequest,
  decodedPicture,
  type ImageDecoder,
  type ImageSource,
  isRawImage,
  type PictureObject,
  pictureOf,
} from '../image/image-source.js';
import type { Picture } from '../image/resize.js';

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

/**
 * The pixels of a picture that is no file, such as a frame.
 * @throws UserError for files and all else that is not decoded, or the signal's reason.
 */
export async function decodeObject(image: PictureObject, request: DecodeRequest): Promise<Picture> {
  const read = host.pictureReader(image);
  return read === undefined ? decodedPicture(image, request.name) : (await read(request)).picture;
}
