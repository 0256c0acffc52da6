import { defined } from '../../common/defined.js';
import { messageOf, UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { checkedHeader, damaged, tooManyBytes } from '../../image/checked-header.js';
import type { PictureHeader } from '../../image/formats/header.js';
import { type DecodedImage, type DecodeRequest, type EncodedImage, pictureOf } from '../../image/image-source.js';
import { maxFileBytes } from '../../image/picture-limits.js';
import { pictureMemory } from '../../image/picture-memory.js';
import { readBytes } from '../host/read-bytes.js';
import { pixelsOf } from './pixels.js';

/**
 * Reads and decodes a picture by the browser, upright as its EXIF orientation says, without colour management. What is beyond
 * the limits by its header is refused before it is decoded. Of an animation the first frame is taken.
 * @param image a string is an address
 * @throws UserError that says what is wrong with it, or the signal's reason.
 */
export async function decodeImage(image: EncodedImage, request: DecodeRequest): Promise<DecodedImage> {
  const { name, signal, urgent } = request;
  if (image instanceof Blob && image.size > maxFileBytes) throw tooManyBytes(name);
  const limit = { bytes: maxFileBytes, error: () => tooManyBytes(name) };
  const bytes = await readBytes(image, name, { limit, ...defined({ signal }) });
  const { format, width, height, memory, frames } = checkedHeader(bytes, name);
  const lease = await pictureMemory().acquire(memory + rgbaBytes * width * height, defined({ signal, urgent }));
  try {
    const pixels = await pixelsOf(new Blob([bytes])).catch((error: unknown) => {
      throw new UserError(`${name} ${decodeFailure(format, messageOf(error))}`, 'input', { cause: error });
    });
    signal?.throwIfAborted();
    return { picture: pictureOf(pixels, request), frames };
  } finally {
    lease.release();
  }
}

/** The rest of a sentence about a picture whose header was read and whose pixels were not. */
const decodeFailure = (format: PictureHeader['format'], reason: string): string =>
  everywhere.has(format)
    ? damaged()
    : `cannot be decoded by this browser (${printable(reason)}); save it as JPEG or PNG.`;

/** What every browser decodes: where it fails, it is the file's fault. */
const everywhere: ReadonlySet<PictureHeader['format']> = new Set(['JPEG', 'PNG', 'WebP', 'GIF', 'BMP']);

/** A canvas gives four bytes for a pixel. */
const rgbaBytes = 4;
