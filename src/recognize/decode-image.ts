import { fileURLToPath } from 'node:url';
import { messageOf, UserError } from '../common/errors.js';
import { printable, shownAddress } from '../common/printable.js';
import { linked } from '../common/signals.js';
import { decodeAsSeen, readPicture, tooManyBytes } from '../data/decode.js';
import { maxFileBytes } from '../data/picture-limits.js';
import type { DecodedImage, DecodeRequest, EncodedImage } from './image-source.js';

/**
 * Reads and decodes a picture in Node, by sharp.
 * @throws UserError that says what is wrong with it, or the signal's reason.
 */
export async function decodeImage(image: EncodedImage, request: DecodeRequest): Promise<DecodedImage> {
  request.signal?.throwIfAborted();
  const name = nameOf(image, request.name);
  const bytes = await bytesOf(image, name, request.signal).catch((error: unknown) => {
    request.signal?.throwIfAborted();
    if (error instanceof UserError) throw error;
    // Bytes that were given away, a file that changed under its Blob, an address of no file of this machine.
    throw new UserError(`${name} cannot be read (${printable(messageOf(error))}).`, undefined, { cause: error });
  });
  request.signal?.throwIfAborted();
  return decodeAsSeen(bytes, { name, transparency: request.transparency });
}

function nameOf(image: EncodedImage, name: string): string {
  if (typeof image === 'string') return `Picture ${printable(image, 4096)}`;
  if (!(image instanceof URL)) return name;
  // A data: address is the picture itself.
  return `Picture ${printable(image.protocol === 'data:' ? `${image.href.slice(0, 32)}...` : shownAddress(image.href))}`;
}

/** Fetching takes no name and password in an address; they go where browsers and curl put them. */
function withoutCredentials(address: URL): { readonly url: URL; readonly headers: Readonly<Record<string, string>> } {
  if (address.username === '' && address.password === '') return { url: address, headers: {} };
  const url = new URL(address);
  const words = [url.username, url.password].map(unescaped).join(':');
  [url.username, url.password] = ['', ''];
  return { url, headers: { authorization: `Basic ${Buffer.from(words).toString('base64')}` } };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function bytesOf(image: EncodedImage, name: string, signal: AbortSignal | undefined): Promise<Buffer> {
  if (typeof image === 'string') return readPicture(image);
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
    case 'data:':
      return download(url, name, signal);
    default:
      throw new UserError(`${name} is no address that can be read; give a file:, http:, https: or data: URL.`);
  }
}

/**
 * @param patience milliseconds without anything from the server after which it is given up
 * @throws UserError that says why there is nothing, or the signal's reason.
 */
export async function download(
  address: URL,
  name: string,
  signal: AbortSignal | undefined,
  patience = 30_000,
): Promise<Buffer> {
  const { url, headers } = withoutCredentials(address);
  const silence = new AbortController();
  const stop = linked([signal, silence.signal]);
  const timer = setTimeout(
    () => silence.abort(new Error(`nothing came from the server for ${patience / 1000} s`)),
    patience,
  );
  try {
    const response = await fetch(url, { headers, signal: stop.signal });
    if (!response.ok) {
      await response.body?.cancel();
      throw new UserError(`${name} cannot be fetched: the server answered ${response.status}; check the address.`);
    }
    checkSize(Number(response.headers.get('content-length') ?? 0), name);
    const chunks: Uint8Array[] = [];
    let size = 0;
    // What a server says about the size binds it to nothing.
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      size += chunk.byteLength;
      checkSize(size, name);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof UserError) throw error;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new UserError(`${name} cannot be fetched (${printable(messageOf(cause))}); check the address.`);
  } finally {
    clearTimeout(timer);
    // Of an answer that is refused the rest would keep the process alive.
    silence.abort();
    stop.release();
  }
}

function checkSize(bytes: number, name: string): void {
  if (bytes > maxFileBytes) throw tooManyBytes(name);
}
