import { UserError } from '../../common/errors.js';
import type { Parcel } from '../../common/parcel.js';
import { type DecodedImage, type DecodeRequest, pixelsProblem } from '../../image/image-source.js';
import { baseAddress } from '../host/base-address.js';
import { decodeImage } from './decode-image.js';
import { type DomPictures, domPicture, isOf, readPixels, type State, unreadable } from './dom-pictures.js';
import { bitmapOf } from './pixels.js';

/** A page's picture on its way to a worker, or its file; or the rest of a sentence that says why it cannot be read. */
interface SentDomPicture {
  readonly domPicture: ImageBitmap | VideoFrame | Blob | string;
}

declare module '../../common/parcel.js' {
  interface TransferredObjects {
    readonly ImageBitmap: ImageBitmap;
    readonly VideoFrame: VideoFrame;
  }
}

declare module '../../image/image-source.js' {
  interface SentPictureObjects {
    readonly SentDomPicture: SentDomPicture;
  }
}

/**
 * How a page's picture goes to a worker: as a bitmap or a frame, whose pixels are read there. Undefined for all else. The picture
 * stays as it is.
 */
export function pictureSender(value: unknown): (() => Promise<Parcel<SentDomPicture>>) | undefined {
  const found = domPicture(value);
  return found && (() => send(found.picture, found.state));
}

async function send(picture: DomPictures[keyof DomPictures], state: State): Promise<Parcel<SentDomPicture>> {
  if (typeof state === 'string') return refusal(state);
  const [width, height] = state;
  const problem = pixelsProblem({ width, height });
  if (problem !== undefined) return refusal(problem);
  if (isOf(picture, 'HTMLImageElement') && width * height > decodedAtOnce) {
    const file = await imageFile(picture);
    if (file !== undefined) return { content: { domPicture: file }, transfer: [], bytes: file.size };
  }
  try {
    const taken = await copyOf(picture);
    return { content: { domPicture: taken }, transfer: [taken], bytes: 4 * width * height };
  } catch (error) {
    return refusal(unreadable(error));
  }
}

const refusal = (sentence: string): Parcel<SentDomPicture> => ({
  content: { domPicture: sentence },
  transfer: [],
  bytes: 0,
});

/** Pixels of an image that a browser decodes in less time than a page has for a frame. */
const decodedAtOnce = 500_000;

/**
 * The file of an image: a bitmap of a large one is decoded while the page waits. Undefined where the page may not fetch it, or
 * where the browser alone can decode it.
 */
async function imageFile({ currentSrc, crossOrigin }: HTMLImageElement): Promise<Blob | undefined> {
  const { protocol, origin } = new URL(currentSrc, baseAddress());
  const isOwn = protocol === 'blob:' || protocol === 'data:' || origin === location.origin;
  if (!isOwn && crossOrigin !== 'anonymous') return undefined;
  try {
    // It has been fetched before.
    const response = await fetch(currentSrc, { cache: 'force-cache' });
    const file = await response.blob();
    return response.ok && /^image\/(jpeg|png|webp)$/.test(file.type) ? file : undefined;
  } catch {
    // A content security policy may forbid it: a bitmap is what is left.
    return undefined;
  }
}

/** @throws DOMException where it is of another origin, or cannot be copied */
async function copyOf(picture: DomPictures[keyof DomPictures]): Promise<ImageBitmap | VideoFrame> {
  if (isOf(picture, 'VideoFrame')) return picture.clone();
  // What it shows, without a copy: drawing a large frame takes longer than a page may wait.
  if (isOf(picture, 'HTMLVideoElement') && typeof VideoFrame !== 'undefined') return new VideoFrame(picture);
  const bitmap = await bitmapOf(picture);
  checkOrigin(bitmap);
  return bitmap;
}

/** @throws DOMException where its pixels may not be read: so they could not be sent */
function checkOrigin(bitmap: ImageBitmap): void {
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  context?.drawImage(bitmap, 0, 0);
  context?.getImageData(0, 0, 1, 1);
}

/** In the worker: how the pixels are read of what was sent; undefined for all else. */
export function sentPictureReader(value: unknown): ((request: DecodeRequest) => Promise<DecodedImage>) | undefined {
  return isSent(value) ? (request) => read(value.domPicture, request) : undefined;
}

const isSent = (value: unknown): value is SentDomPicture =>
  typeof value === 'object' && value !== null && 'domPicture' in value;

async function read(taken: SentDomPicture['domPicture'], request: DecodeRequest): Promise<DecodedImage> {
  if (typeof taken === 'string') throw new UserError(`${request.name} ${taken}`);
  if (taken instanceof Blob) return decodeImage(taken, request);
  try {
    return await readPixels(
      taken,
      isOf(taken, 'ImageBitmap') ? [taken.width, taken.height] : [taken.displayWidth, taken.displayHeight],
      request,
    );
  } finally {
    taken.close();
  }
}
