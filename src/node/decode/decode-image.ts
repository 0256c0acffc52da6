import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isAddress } from '../../common/addresses.js';
import { defined } from '../../common/defined.js';
import { messageOf, UserError } from '../../common/errors.js';
import type { LeaseOptions } from '../../common/memory-budget.js';
import { printable, shownAddress } from '../../common/printable.js';
import { tooManyBytes } from '../../image/checked-header.js';
import type { DecodedImage, DecodeRequest, EncodedImage } from '../../image/image-source.js';
import { maxFileBytes } from '../../image/picture-limits.js';
import { fileMemory } from '../../image/picture-memory.js';
import { decodeFirstFrame, readPicture } from './decode.js';
import { download } from './download.js';

/**
 * Reads and decodes a picture in Node, by sharp.
 * @throws UserError that says what is wrong with it, or the signal's reason.
 */
export async function decodeImage(image: EncodedImage, request: DecodeRequest): Promise<DecodedImage> {
  const { transparency, signal, urgent } = request;
  const memory: LeaseOptions = defined({ signal, urgent });
  const name = pictureNameOf(image, request.name);
  const lease = await fileMemory.acquire(await fileBytes(image), memory);
  try {
    const bytes = await encodedBytes(image, name, signal);
    return await decodeFirstFrame(bytes, { name, transparency, memory });
  } finally {
    lease.release();
  }
}

/**
 * The bytes of a picture's file.
 * @throws UserError that says why there are none, or the signal's reason.
 */
export async function encodedBytes(image: EncodedImage, name: string, signal?: AbortSignal): Promise<Buffer> {
  const bytes = await bytesOf(image, name, signal).catch((error: unknown) => {
    signal?.throwIfAborted();
    if (error instanceof UserError) throw error;
    // Bytes that were given away, a file that changed under its Blob, an address of no file of this machine.
    throw new UserError(`${name} cannot be read (${printable(messageOf(error))}).`, undefined, { cause: error });
  });
  signal?.throwIfAborted();
  return bytes;
}

/** Bytes that reading a file takes: none where it is not there, or refused. */
async function fileBytes(image: EncodedImage): Promise<number> {
  const path =
    typeof image === 'string' ? image : image instanceof URL && image.protocol === 'file:' ? image : undefined;
  if (path === undefined) return 0;
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() === true && info.size <= maxFileBytes ? info.size : 0;
}

/** What sentences call a picture. */
export function pictureNameOf(image: EncodedImage, name: string): string {
  if (typeof image === 'string') return `Picture ${printable(isAddress(image) ? shortened(image) : image, 4096)}`;
  if (!(image instanceof URL)) return name;
  return `Picture ${printable(shortened(image.href))}`;
}

/** An address as it may be shown: that of `data:` is the picture itself. */
const shortened = (address: string): string =>
  /^data:/i.test(address) ? `${address.slice(0, 32)}...` : shownAddress(address);

async function bytesOf(image: EncodedImage, name: string, signal: AbortSignal | undefined): Promise<Buffer> {
  if (typeof image === 'string') {
    // Not fetched, as docs/predict.md says: a text from outside must not make a server ask others.
    if (isAddress(image)) {
      throw new UserError(`${name} is an address, and a string is a path; fetch it first, or pass it as a URL.`);
    }
    return readPicture(image);
  }
  if (image instanceof URL) return readUrl(image, name, signal);
  if (image instanceof Uint8Array) return Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  if (image instanceof ArrayBuffer) return Buffer.from(image);
  checkSize(image.size, name);
  return Buffer.from(await image.arrayBuffer());
}

async function readUrl(url: URL, name: string, signal: AbortSignal | undefined): Promise<Buffer> {
  switch (url.protocol) {
    case 'file:':
      return readPicture(fileURLToPath(url));
    case 'http:':
    case 'https:':
      return download(url, name, defined({ signal }));
    case 'data:': {
      const data = await (await fetch(url)).arrayBuffer();
      checkSize(data.byteLength, name);
      return Buffer.from(data);
    }
    default:
      throw new UserError(`${name} is no address that can be read; give a file:, http:, https: or data: URL.`);
  }
}

function checkSize(bytes: number, name: string): void {
  if (bytes > maxFileBytes) throw tooManyBytes(name);
}
