import * as z from 'zod';
import { itemAt } from '../../common/item-at.js';
import { describeZodError } from '../../common/json.js';
import { printable } from '../../common/printable.js';
import { readPictureHeader } from '../../image/picture-header.js';
import { formParts } from './form-body.js';
import { type InferInput, type InferLimits, readInferRequest } from './infer-request.js';
import { jsonOf } from './json-body.js';
import { RequestProblem } from './problem.js';
import type { CompleteSettings } from './settings.js';

// Bodies of requests, as bytes, and what they bring. What is hostile may take seconds: `body-reader.ts` says where it is read.

export type UploadLimits = Pick<CompleteSettings, 'maxPicture' | 'maxPictures'>;

export const base64 = z.string().min(1).meta({
  description: 'file of a picture in base64, with or without `data:image/...;base64,` before it',
  contentEncoding: 'base64',
});
const jsonOptions = z.record(z.string(), z.unknown()).optional();

const jsonPicture = z.strictObject({ image: base64, options: jsonOptions });
const jsonPictures = z.strictObject({ images: z.array(base64).min(1), options: jsonOptions });

/** Values of a JSON body that brings pictures: many times what its options need. */
const maxValues = 10_000;
/** Fields of a form, and characters of each. */
const maxFields = 32;
const maxField = 1000;

export interface BroughtPicture {
  /** Its file. */
  readonly bytes: Uint8Array;
  /** In pixels, as its header says it; undefined for what is no picture. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
}

/** What a body brings. */
export interface Brought {
  readonly pictures: readonly BroughtPicture[];
  /** Not checked; a name may be there twice. */
  readonly options: readonly (readonly [name: string, value: unknown])[];
}

/** The form that a body of pictures has, by its content type. */
export type PictureBody =
  | { readonly form: 'file' }
  /** JSON with one picture, with several, or with one at `img` between its options. */
  | { readonly form: 'image' | 'images' | 'img' }
  /** multipart/form-data; a field `img` may hold base64 where `img` says so. */
  | { readonly form: 'parts'; readonly boundary: string; readonly img: boolean };

/** What is read: what must be known of a body, and what it gives. */
export interface BodyJobs {
  readonly pictures: { readonly about: PictureBody & { readonly limits: UploadLimits }; readonly brought: Brought };
  readonly tensors: { readonly about: InferLimits; readonly brought: InferInput };
}

export type BodyJobName = keyof BodyJobs;
export type About<K extends BodyJobName> = BodyJobs[K]['about'];
export type BroughtBy<K extends BodyJobName> = BodyJobs[K]['brought'];

/** Bytes of a body that a job reads in some tens of milliseconds at most, whatever they are. */
export const quickBytes: { readonly [K in BodyJobName]: number } = {
  pictures: 64 * 1024,
  tensors: 64 * 1024,
};

/** Each @throws RequestProblem */
export const bodyJobs: {
  readonly [K in BodyJobName]: (body: Buffer, about: About<K>) => BroughtBy<K>;
} = {
  pictures: readPictures,
  tensors: readInferRequest,
};

function readPictures(body: Buffer, { limits, ...about }: About<'pictures'>): Brought {
  switch (about.form) {
    case 'file':
      if (body.length === 0) throw new RequestProblem('bad-request', 'The body is empty; send a picture.');
      if (body.length > limits.maxPicture) throw tooLarge('The picture', limits);
      return { pictures: [pictureOf(body)], options: [] };
    case 'image': {
      const { image, options = {} } = checkedBody(jsonPicture, jsonOf(body, maxValues));
      return { pictures: [pictureOf(fileOf(image, 'image', limits))], options: Object.entries(options) };
    }
    case 'images': {
      const { images, options = {} } = checkedBody(jsonPictures, jsonOf(body, maxValues));
      if (images.length > limits.maxPictures) throw tooMany(limits);
      const pictures = images.map((image, i) => pictureOf(fileOf(image, `images.${i}`, limits)));
      return { pictures, options: Object.entries(options) };
    }
    case 'img': {
      const { img, ...options } = checkedBody(z.record(z.string(), z.unknown()), jsonOf(body, maxValues));
      const pictures = typeof img === 'string' ? [pictureOf(fileOf(img, 'img', limits))] : [];
      return { pictures, options: Object.entries(options) };
    }
    case 'parts':
      return readForm(body, about, limits);
  }
}

function readForm(
  body: Buffer,
  { boundary, img }: Extract<PictureBody, { form: 'parts' }>,
  limits: UploadLimits,
): Brought {
  const pictures: BroughtPicture[] = [];
  const options: [string, string][] = [];
  for (const { name, isFile, content } of formParts(body, boundary)) {
    if (isFile || (img && name === 'img')) {
      if (pictures.length === limits.maxPictures) throw tooMany(limits);
      // A file has memory of its own, so that it can be given to a thread without the rest of the form.
      const file = isFile ? Buffer.from(new Uint8Array(content).buffer) : fileOf(content.toString(), name, limits);
      if (file.length === 0) throw new RequestProblem('bad-request', 'A file of the form is empty; send a picture.');
      if (file.length > limits.maxPicture) throw tooLarge('A picture', limits);
      pictures.push(pictureOf(file));
    } else {
      if (name === 'image' || name === 'images') {
        const sentence = `The part ${name} is text, not a file; send the picture with a file name, as curl does by -F image=@photo.jpg.`;
        throw new RequestProblem('bad-request', sentence);
      }
      if (options.length === maxFields) {
        throw new RequestProblem('too-large', `The form has more than ${maxFields} fields; send fewer.`);
      }
      if (content.length > maxField) {
        throw new RequestProblem('too-large', `The field ${printable(name)} is too long; shorten it.`);
      }
      options.push([name, content.toString()]);
    }
  }
  return { pictures, options };
}

function pictureOf(bytes: Uint8Array): BroughtPicture {
  const found = readPictureHeader(bytes);
  if (found.kind !== 'picture') return { bytes, size: undefined };
  const { width, height } = found.header;
  return { bytes, size: { width, height } };
}

/** Checks JSON of a client. @throws RequestProblem */
function checkedBody<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new RequestProblem('bad-request', `The JSON does not have its form: ${describeZodError(parsed.error)}.`);
}

/** @throws RequestProblem for what is no base64 */
function fileOf(text: string, where: string, limits: UploadLimits): Buffer {
  const data = /^data:[^,]{0,200};base64,/i.exec(text);
  const encoded = data === null ? text : text.slice(itemAt(data, 0).length);
  const padding = encoded.endsWith('==') ? 2 : encoded.endsWith('=') ? 1 : 0;
  const file = Buffer.from(encoded, 'base64');
  // Node leaves out what is no digit: then there are fewer bytes.
  if (file.length === 0 || file.length !== Math.floor(((encoded.length - padding) * 3) / 4)) {
    throw new RequestProblem('bad-request', `The text at ${where} is not base64; encode the file of a picture.`);
  }
  if (file.length > limits.maxPicture) throw tooLarge(`The picture at ${where}`, limits);
  return file;
}

function tooLarge(what: string, { maxPicture }: UploadLimits): RequestProblem {
  return new RequestProblem(
    'too-large',
    `${what} has more than the ${maxPicture} bytes that are accepted; save it smaller.`,
  );
}

function tooMany({ maxPictures }: UploadLimits): RequestProblem {
  return new RequestProblem(
    'too-large',
    `The body has more than the ${maxPictures} pictures that are accepted; send fewer.`,
  );
}
