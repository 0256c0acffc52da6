import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { itemAt } from '../../common/item-at.js';
import { printable } from '../../common/printable.js';
import { type BroughtPicture, base64, type PictureBody, type UploadLimits } from './body-jobs.js';
import type { BodyReader } from './body-reader.js';
import { formBoundary } from './form-body.js';
import { RequestProblem } from './problem.js';

/** Pictures of a request, with the options that came with them. */
export interface Upload {
  readonly pictures: readonly BroughtPicture[];
  /** Not checked. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What uploads are read by, and within which limits. */
export interface UploadParts {
  readonly bodies: BodyReader;
  readonly limits: UploadLimits;
}

/** The form that a body of multipart/form-data has: files of any name, and options as fields. */
export function form(name: 'image' | 'images', options: z.ZodObject): z.ZodObject {
  const file = z.file().meta({ description: 'file of a picture; the name of the part does not matter' });
  return z.strictObject({ [name]: name === 'image' ? file : z.array(file), ...options.shape });
}

/** JSON that brings pictures: options may stand in the address instead. */
export function json(name: 'image' | 'images', options: z.ZodObject): z.ZodObject {
  return z.strictObject({ [name]: name === 'image' ? base64 : z.array(base64).min(1), options: options.optional() });
}

/**
 * The picture of a request: a file of multipart/form-data, the body itself, or base64 in JSON.
 * @throws RequestProblem for none, several, or what cannot be read
 */
export async function uploadedPicture(
  request: FastifyRequest,
  parts: UploadParts,
): Promise<{ readonly picture: BroughtPicture; readonly options: Upload['options'] }> {
  const { pictures, options } = await upload(request, parts, jsonOrForm(request, 'image') ?? { form: 'file' });
  if (pictures.length === 1) return { picture: itemAt(pictures, 0), options };
  if (pictures.length === 0) {
    throw new RequestProblem('bad-request', 'The body has no picture; send one as a file of multipart/form-data.');
  }
  const many = `The body has ${pictures.length} pictures, not one; send one file, or several to /v1/recognize/batch.`;
  throw new RequestProblem('bad-request', many);
}

/** The pictures of a batch, likewise. */
export async function uploadedPictures(request: FastifyRequest, parts: UploadParts): Promise<Upload> {
  const read = await upload(request, parts, jsonOrForm(request, 'images') ?? unsupported());
  if (read.pictures.length > 0) return read;
  throw new RequestProblem('bad-request', 'The body has no picture; send each as a file of multipart/form-data.');
}

/** A picture and options beside it, as clients of DeepFace send them. @throws RequestProblem */
export async function uploadedImg(
  request: FastifyRequest,
  parts: UploadParts,
): Promise<{ readonly picture: BroughtPicture; readonly options: Upload['options'] }> {
  const { pictures, options } = await upload(request, parts, jsonOrForm(request, 'img') ?? unsupported());
  if (pictures.length === 1) return { picture: itemAt(pictures, 0), options };
  const why = pictures.length === 0 ? 'no picture' : `${pictures.length} pictures, not one,`;
  throw new RequestProblem('bad-request', `The body has ${why} at img; send a file or its base64 there.`);
}

/** The form of a body by its content type; undefined for another one. */
function jsonOrForm({ headers }: FastifyRequest, json: 'image' | 'images' | 'img'): PictureBody | undefined {
  const type = headers['content-type'] ?? '';
  if (/^application\/json\b/i.test(type)) return { form: json };
  const boundary = formBoundary(type);
  return boundary === undefined ? undefined : { form: 'parts', boundary, img: json === 'img' };
}

function unsupported(): never {
  throw new RequestProblem(
    'unsupported-media-type',
    'The body is not multipart/form-data or application/json; say what it is in content-type (curl -F image=@photo.jpg does).',
  );
}

async function upload(request: FastifyRequest, { bodies, limits }: UploadParts, about: PictureBody): Promise<Upload> {
  const { pictures, options } = await bodies.read('pictures', bytesOf(request), { ...about, limits }, request.life);
  const all = [...Object.entries(request.query ?? {}), ...options];
  const names = all.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return { pictures, options: Object.fromEntries(all) };
  throw new RequestProblem('invalid-options', `The option ${printable(twice)} is given twice; give it once.`);
}

/** The body of a request; none is empty. */
export const bytesOf = ({ body }: FastifyRequest): Uint8Array => (Buffer.isBuffer(body) ? body : new Uint8Array());
