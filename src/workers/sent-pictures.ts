import { host } from '#host';
import { isDetached } from '../common/file-source.js';
import type { Parcel } from '../common/parcel.js';
import { nextTurn } from '../common/turns.js';
import type { SentPictureObject } from '../image/image-source.js';
import type { ImageSource, Picture, RawImage } from '../image/index.js';
import type { TimedFrame } from '../video/index.js';

/** A picture from outside on its way to another thread. */
export type SentImage =
  | { readonly path: string }
  | { readonly url: string }
  | { readonly blob: Blob }
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly raw: SentPixels }
  /** What only this host has. */
  | { readonly object: SentPictureObject }
  /** Bytes that were given away before. */
  | { readonly detached: true }
  /** No picture, with its type: the other thread says so in its place. */
  | { readonly wrong: Wrong };

/** Raw pixels; of data that is no bytes, nothing. What is no number is sent as the text that errors show of it. */
export interface SentPixels {
  readonly data: Uint8Array<ArrayBuffer> | null;
  readonly width: number | string;
  readonly height: number | string;
  readonly channels?: number | string;
}

export interface SentFrame {
  readonly time: number | string;
  readonly frame: number | string;
  readonly picture: SentImage;
  readonly cut: boolean;
}

type Wrong = 'null' | 'undefined' | 'number' | 'bigint' | 'boolean' | 'symbol' | 'function' | 'object';

/** Bytes that are copied in one turn of the event loop, in one to three milliseconds. */
const piece = 1024 * 1024;

/** A copy of its own memory, made in several turns of the event loop where it is large. */
export async function copied(data: Uint8Array | Uint8ClampedArray): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(data.length);
  for (let start = 0; start < data.length; start += piece) {
    if (start > 0) await nextTurn();
    copy.set(data.subarray(start, start + piece), start);
  }
  return copy;
}

/** How bytes go into a parcel. */
export type Packing = (data: Uint8Array | Uint8ClampedArray) => Promise<Uint8Array<ArrayBuffer>>;

/** For ports that copy what is given along: the memory itself, which must stay as it is meanwhile. */
export const lent: Packing = async ({ buffer, byteOffset, length }) =>
  buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, length)
    : copied(new Uint8Array(buffer, byteOffset, length));

const light = <T>(content: T): Parcel<T> => ({ content, transfer: [], bytes: 0 });

/** A picture as it can be sent. The caller keeps its memory. @param pack bytes of files */
export async function sentImage(image: ImageSource, pack: Packing = copied): Promise<Parcel<SentImage>> {
  const given: unknown = image;
  const send = host.pictureSender(given);
  if (send !== undefined) {
    const { content, ...rest } = await send();
    return { content: { object: content }, ...rest };
  }
  if (typeof given === 'string') return light({ path: given });
  if (given instanceof URL) return light({ url: given.href });
  if (given instanceof Blob) return light({ blob: given });
  if (given instanceof ArrayBuffer || given instanceof Uint8Array) {
    const buffer = given instanceof ArrayBuffer ? given : given.buffer;
    // Of zero bytes otherwise, which is a view's length once its memory is gone.
    if (isDetached(buffer)) return light({ detached: true });
    const bytes = await pack(given instanceof ArrayBuffer ? new Uint8Array(given) : given);
    return { content: { bytes }, transfer: [bytes.buffer], bytes: bytes.length };
  }
  if (isRaw(image)) {
    const { content, ...rest } = await sentPixels(image);
    return { content: { raw: content }, ...rest };
  }
  return light({ wrong: given === null ? 'null' : wrongType(given) });
}

function wrongType(value: unknown): Wrong {
  const type = typeof value;
  return type === 'string' ? 'object' : type;
}

const isRaw = (image: unknown): image is RawImage =>
  typeof image === 'object' && image !== null && 'data' in image && 'width' in image && 'height' in image;

/** A number, or the text of anything else: functions and symbols cannot be sent. */
const numberOrText = (value: unknown): number | string => (typeof value === 'number' ? value : String(value));

/** Raw pixels as they can be sent. What is wrong with them is said in the other thread. */
export async function sentPixels({ data, width, height, channels }: RawImage): Promise<Parcel<SentPixels>> {
  const sides = { width: numberOrText(width), height: numberOrText(height) };
  const about = { ...sides, ...(channels === undefined ? {} : { channels: numberOrText(channels) }) };
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) return light({ ...about, data: null });
  const copy = await copied(data);
  return { content: { ...about, data: copy }, transfer: [copy.buffer], bytes: copy.length };
}

/** A decoded picture as it can be sent. */
export async function sentPicture(picture: Picture): Promise<Parcel<Picture>> {
  const data = await copied(picture.data);
  return { content: { ...picture, data }, transfer: [data.buffer], bytes: data.length };
}

/** Decoded pictures as they can be sent. */
export async function sentPictures(pictures: readonly Picture[]): Promise<Parcel<readonly Picture[]>> {
  const parcels: Parcel<Picture>[] = [];
  for (const picture of pictures) parcels.push(await sentPicture(picture));
  return {
    content: parcels.map(({ content }) => content),
    transfer: parcels.flatMap(({ transfer }) => transfer),
    bytes: parcels.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Numbers as they can be sent: of a view only what it shows, not all of its buffer. */
export async function sentFloats(values: Float32Array): Promise<Parcel<Float32Array>> {
  const { buffer } = await copied(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return { content: new Float32Array(buffer), transfer: [buffer], bytes: buffer.byteLength };
}

/** A frame as it can be sent. */
export async function sentFrame(
  { time, frame, picture, cut }: TimedFrame<ImageSource>,
  pack?: Packing,
): Promise<Parcel<SentFrame>> {
  const { content, ...rest } = await sentImage(picture, pack);
  const about = { time: numberOrText(time), frame: numberOrText(frame), cut: cut === true };
  return { content: { ...about, picture: content }, ...rest };
}

/** What was sent, as following takes it. */
export function frameOf<Frame extends TimedFrame<ImageSource>>({ time, frame, picture, cut }: SentFrame): Frame {
  const given: { readonly [Key in keyof TimedFrame<ImageSource>]: unknown } = {
    time,
    frame,
    picture: imageOf(picture),
    cut,
  };
  return given as Frame;
}

/** What was sent, as recognising takes it. */
export function pixelsOf(sent: SentPixels): RawImage {
  const given: { readonly [Key in keyof RawImage]: unknown } = sent;
  return given as RawImage;
}

/** What was sent, as recognising takes it. */
export function imageOf(sent: SentImage): ImageSource {
  if ('path' in sent) return sent.path;
  if ('url' in sent) return new URL(sent.url);
  if ('blob' in sent) return sent.blob;
  if ('bytes' in sent) return sent.bytes;
  if ('raw' in sent) return pixelsOf(sent.raw);
  if ('object' in sent) {
    // No program passes it: the host's `pictureReader` knows it.
    const object: unknown = sent.object;
    return object as ImageSource;
  }
  if ('detached' in sent) {
    const buffer = new ArrayBuffer(1);
    structuredClone(buffer, { transfer: [buffer] });
    return buffer;
  }
  return wrongs[sent.wrong] as ImageSource;
}

/** What programs without types may pass. */
const wrongs: Readonly<Record<Wrong, unknown>> = {
  null: null,
  undefined: undefined,
  number: 0,
  bigint: 0n,
  boolean: false,
  symbol: Symbol(),
  function: () => undefined,
  object: {},
};

/** A result with pixels of memory of its own, which can be given away. */
export function sentResult<T extends { readonly picture?: Picture }>(result: T): Parcel<T> {
  const { picture } = result;
  if (picture === undefined) return light(result);
  const data = new Uint8Array(picture.data);
  return { content: { ...result, picture: { ...picture, data } }, transfer: [data.buffer], bytes: data.length };
}
