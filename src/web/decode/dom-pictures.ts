import { defined } from '../../common/defined.js';
import { messageOf, UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { checkPixels, type DecodedImage, type DecodeRequest, pictureOf } from '../../image/image-source.js';
import { pictureMemory } from '../../image/picture-memory.js';
import { bitmapBytes, pixelsOf } from './pixels.js';

/** Pictures of a page that are no files, by the names of their classes. */
export interface DomPictures {
  /** Loaded, upright as the page shows it. */
  readonly HTMLImageElement: HTMLImageElement;
  readonly HTMLCanvasElement: HTMLCanvasElement;
  /** The frame that it shows. */
  readonly HTMLVideoElement: HTMLVideoElement;
  readonly ImageBitmap: ImageBitmap;
  readonly OffscreenCanvas: OffscreenCanvas;
  /** Stays open: whoever made it closes it. */
  readonly VideoFrame: VideoFrame;
}

declare module '../../image/image-source.js' {
  interface PictureObjects extends DomPictures {}
}

type Kind = keyof DomPictures;

/** What can hold a picture in a browser, in words. */
export const pictureKinds =
  'an address, a Blob, an ArrayBuffer, an ImageData or { data, width, height, channels }, or an image, canvas, video or frame of the page';

/** Width and height in pixels, or the rest of a sentence about a picture that has no pixels yet, or none any more. */
export type State = readonly [number, number] | string;

const states: { readonly [K in Kind]: (picture: DomPictures[K]) => State } = {
  HTMLImageElement({ complete, naturalWidth, naturalHeight }) {
    if (!complete) return 'is an image that is not loaded yet; wait for its decode(), then pass it.';
    if (naturalWidth > 0 && naturalHeight > 0) return [naturalWidth, naturalHeight];
    return 'is an image without pixels: its file is missing, damaged, or of no size of its own; check its address.';
  },
  HTMLCanvasElement: ({ width, height }) => canvasState(width, height),
  OffscreenCanvas: ({ width, height }) => canvasState(width, height),
  HTMLVideoElement({ readyState, videoWidth, videoHeight }) {
    if (readyState >= haveCurrentData && videoWidth > 0) return [videoWidth, videoHeight];
    return 'is a video that has no frame yet; wait for its event loadeddata, then pass it.';
  },
  // Of none once it is closed.
  ImageBitmap: ({ width, height }) => (width > 0 ? [width, height] : closed('an ImageBitmap')),
  VideoFrame: ({ format, displayWidth, displayHeight }) =>
    format === null && displayWidth === 0 ? closed('a VideoFrame') : [displayWidth, displayHeight],
};

/** `HTMLMediaElement.HAVE_CURRENT_DATA`, of which workers have no class. */
export const haveCurrentData = 2;

const canvasState = (width: number, height: number): State =>
  width > 0 && height > 0
    ? [width, height]
    : `is a canvas of ${width} x ${height} pixels; give it a size and draw on it.`;

const closed = (what: string): string => `is ${what} that has been closed; pass it before it is closed.`;

const kinds = Object.keys(states) as readonly Kind[];

/** By its name, not its class: frames have classes of their own, and workers lack some. */
export function isOf<K extends Kind>(value: unknown, kind: K): value is DomPictures[K] {
  return Object.prototype.toString.call(value) === `[object ${kind}]`;
}

const stateOf = <K extends Kind>(kind: K, picture: DomPictures[K]): State => states[kind](picture);

/** A page's picture, and whether it has pixels; undefined for all else. */
export function domPicture(value: unknown): { readonly picture: DomPictures[Kind]; readonly state: State } | undefined {
  for (const kind of kinds) if (isOf(value, kind)) return { picture: value, state: stateOf(kind, value) };
  return undefined;
}

/** How the pixels of a page's picture are read; undefined for all else. */
export function pictureReader(value: unknown): ((request: DecodeRequest) => Promise<DecodedImage>) | undefined {
  const found = domPicture(value);
  return found && ((request) => read(found.picture, found.state, request));
}

async function read(picture: DomPictures[Kind], state: State, request: DecodeRequest): Promise<DecodedImage> {
  if (typeof state === 'string') throw new UserError(`${request.name} ${state}`);
  return readPixels(picture, state, request);
}

/** @throws UserError for too many pixels, and what the browser does not let read; the signal's reason */
export async function readPixels(
  picture: DomPictures[Kind],
  [width, height]: readonly [number, number],
  request: DecodeRequest,
): Promise<DecodedImage> {
  const { name, signal, urgent, maxSide } = request;
  checkPixels({ width, height }, name);
  const lease = await pictureMemory().acquire(bitmapBytes * width * height, defined({ signal, urgent }));
  try {
    const pixels = await pixelsOf(picture, maxSide).catch((error: unknown) => {
      throw new UserError(`${name} ${unreadable(error)}`, 'input', { cause: error });
    });
    signal?.throwIfAborted();
    return { picture: pictureOf(pixels, request), frames: 1 };
  } finally {
    lease.release();
  }
}

/** The rest of a sentence about a picture that the browser does not let read. */
export function unreadable(error: unknown): string {
  if (error instanceof DOMException && error.name === 'SecurityError') {
    return (
      'shows pixels of another origin, which a page may not read; load them with crossorigin="anonymous" from a server ' +
      'that allows it, or pass their address.'
    );
  }
  return `cannot be read by this browser (${printable(messageOf(error))}); pass it as a Blob or as ImageData.`;
}
