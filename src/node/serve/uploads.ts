import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { messageOf } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { describeZodError } from '../../common/json.js';
import { printable } from '../../common/printable.js';
import { whenAborted } from '../../common/signals.js';
import { RequestProblem } from './problem.js';
import type { CompleteSettings } from './settings.js';

/** Pictures of a request, as files, with the options that came with them. */
export interface Upload {
  readonly pictures: readonly Buffer[];
  /** Not checked. */
  readonly options: Readonly<Record<string, unknown>>;
}

type UploadLimits = Pick<CompleteSettings, 'maxPicture' | 'maxPictures'>;

const base64 = z.string().min(1).meta({
  description: 'file of a picture in base64, with or without `data:image/...;base64,` before it',
  contentEncoding: 'base64',
});
const jsonOptions = z.record(z.string(), z.unknown()).optional();

export const jsonPicture = z.strictObject({ image: base64, options: jsonOptions });
export const jsonPictures = z.strictObject({ images: z.array(base64).min(1), options: jsonOptions });

/** The form that a body of multipart/form-data has: files of any name, and options as fields. */
export function form(name: 'image' | 'images', options: z.ZodObject): z.ZodObject {
  const file = z.file().meta({ description: 'file of a picture; the name of the part does not matter' });
  return z.strictObject({ [name]: name === 'image' ? file : z.array(file), ...options.shape });
}

/**
 * The picture of a request: a file of multipart/form-data, the body itself, or base64 in JSON.
 * @throws RequestProblem for none, several, or what cannot be read
 */
export async function uploadedPicture(request: FastifyRequest, limits: UploadLimits): Promise<Upload> {
  const one = { ...limits, maxPictures: 1 };
  if (isJson(request)) {
    const { image, options } = checkedBody(jsonPicture, request.body);
    return { pictures: [fileOf(image, 'image', one)], options: withQuery(request, options) };
  }
  const upload = request.isMultipart() ? await formUpload(request, one) : rawUpload(request, one);
  if (upload.pictures.length === 1) return upload;
  throw new RequestProblem('bad-request', `The body has ${upload.pictures.length} pictures, not one; send one file.`);
}

/** The pictures of a batch, likewise. */
export async function uploadedPictures(request: FastifyRequest, limits: UploadLimits): Promise<Upload> {
  const upload = isJson(request) ? jsonUpload(request, limits) : await formUpload(request, limits);
  if (upload.pictures.length > 0) return upload;
  throw new RequestProblem('bad-request', 'The body has no picture; send each as a file of multipart/form-data.');
}

const isJson = ({ headers }: FastifyRequest): boolean => /^application\/json\b/i.test(headers['content-type'] ?? '');

/** A picture and options beside it, as clients of DeepFace send them. @throws RequestProblem */
export async function uploadedImg(
  request: FastifyRequest,
  limits: UploadLimits,
): Promise<{ readonly picture: Buffer; readonly options: Readonly<Record<string, unknown>> }> {
  const one = { ...limits, maxPictures: 1 };
  const { pictures, options } = isJson(request)
    ? { pictures: [], options: checkedBody(z.record(z.string(), z.unknown()), request.body) }
    : await formUpload(request, one);
  const { img, ...others } = options;
  const [picture] = pictures;
  if (picture !== undefined && img === undefined) return { picture, options: others };
  if (picture === undefined && typeof img === 'string') return { picture: fileOf(img, 'img', one), options: others };
  throw new RequestProblem('bad-request', 'The body has no picture at img; send a file or its base64 there.');
}

/** Checks JSON of a client. @throws RequestProblem */
export function checkedBody<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new RequestProblem('bad-request', `The JSON does not have its form: ${describeZodError(parsed.error)}.`);
}

function jsonUpload(request: FastifyRequest, limits: UploadLimits): Upload {
  const { images, options } = checkedBody(jsonPictures, request.body);
  if (images.length > limits.maxPictures) throw tooMany(limits);
  return {
    pictures: images.map((image, i) => fileOf(image, `images.${i}`, limits)),
    options: withQuery(request, options),
  };
}

function rawUpload(request: FastifyRequest, limits: UploadLimits): Upload {
  const { body } = request;
  if (!Buffer.isBuffer(body) || body.length === 0) {
    throw new RequestProblem('bad-request', 'The body is empty; send a picture.');
  }
  if (body.length > limits.maxPicture) throw tooLarge('The picture', limits);
  return { pictures: [body], options: withQuery(request, undefined) };
}

async function formUpload(request: FastifyRequest, limits: UploadLimits): Promise<Upload> {
  if (!request.isMultipart()) {
    throw new RequestProblem('unsupported-media-type', 'The body is not multipart/form-data or application/json.');
  }
  const pictures: Buffer[] = [];
  const options: [string, string][] = [];
  const parts = request.parts({
    limits: {
      fileSize: limits.maxPicture,
      files: limits.maxPictures,
      fields: 32,
      parts: limits.maxPictures + 32,
      fieldSize: limits.maxPicture,
    },
  });
  const read = async (): Promise<void> => {
    for await (const part of parts) {
      if (part.type === 'file') pictures.push(await part.toBuffer());
      else if (part.fieldname === 'image' || part.fieldname === 'images') {
        const sentence = `The part ${part.fieldname} is text, not a file; send the picture with a file name, as curl does by -F image=@photo.jpg.`;
        throw new RequestProblem('bad-request', sentence);
      } else if (
        typeof part.value !== 'string' ||
        part.valueTruncated ||
        part.fieldnameTruncated ||
        (part.fieldname !== 'img' && part.value.length > 1000)
      ) {
        throw new RequestProblem('too-large', `The field ${printable(part.fieldname)} is too long; shorten it.`);
      } else options.push([part.fieldname, part.value]);
    }
  };
  const given = new AbortController();
  try {
    await Promise.race([read(), outOfTime(request, given.signal)]);
  } catch (error) {
    throw formProblem(error);
  } finally {
    given.abort();
  }
  if (pictures.some(({ length }) => length === 0)) {
    throw new RequestProblem('bad-request', 'A file of the form is empty; send a picture.');
  }
  return { pictures, options: withQuery(request, Object.fromEntries(options)) };
}

/**
 * Fails at the end of the request's time: behind a part without a head the parser waits for ever.
 * @param read aborted once the form was read
 */
function outOfTime({ life }: FastifyRequest, read: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const release = whenAborted(life, () => reject(life.reason));
    whenAborted(read, release);
  });
}

/** busboy throws plain errors for what is no form. */
function formProblem(error: unknown): unknown {
  if (error instanceof RequestProblem || (error instanceof Error && 'code' in error)) return error;
  return new RequestProblem('bad-request', `The form cannot be read (${printable(messageOf(error))}); send it again.`, {
    cause: error,
  });
}

/** Options of the body and of the address. @throws RequestProblem where one is given twice */
function withQuery(
  { query }: FastifyRequest,
  given: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> {
  const both = [...Object.entries(query ?? {}), ...Object.entries(given ?? {})];
  const names = both.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return Object.fromEntries(both);
  throw new RequestProblem('invalid-options', `The option ${printable(twice)} is given twice; give it once.`);
}

/** @throws RequestProblem for what is no base64 */
export function fileOf(text: string, where: string, limits: UploadLimits): Buffer {
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
    `The batch has more than the ${maxPictures} pictures that are accepted; send fewer.`,
  );
}
