import * as z from 'zod';
import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import { parseJson } from '../common/json.js';
import type { LabelSet } from '../common/labels.js';
import { type CropTemplate, keypointNames, type Preprocessing } from '../common/preprocessing.js';
import { descriptionKey } from './description-key.js';
import { label, labelSetSchema, plainText, type TrainingRecord, trainingSchema } from './description-parts.js';
import { type HeadRecord, headSchema } from './head-record.js';
import { type TemperatureRecord, temperatureSchema } from './temperature-record.js';

export type { ProtocolRecord, TrainingRecord } from './description-parts.js';

// A model checkpoint is one safetensors file: tensors under their published names, and in the metadata, as the string
// `poster_v2`, a JSON document that says what network they belong to and what its outputs mean.

// Somewhat outside is possible: ears beyond the border.
const fraction = z.number().min(-2).max(3);
/** Of a crop's side, two points at least: were they one, all of a picture would go into some pixels of it. */
const leastDistance = 0.01;

type Points = readonly (readonly [x: number, y: number] | undefined)[];

const farApart = (points: Points): boolean =>
  points.some((a) => points.some((b) => a && b && Math.hypot(a[0] - b[0], a[1] - b[1]) >= leastDistance));

/** How faces lie in crops, as JSON. */
export const cropSchema: z.ZodType<CropTemplate> = z.object({
  name: plainText,
  points: z
    .partialRecord(z.enum(keypointNames), z.tuple([fraction, fraction]))
    .refine(
      (points) => farApart(Object.values(points)),
      `needs two points that are ${leastDistance} or more of a side apart`,
    ),
});

const preprocessingSchema: z.ZodType<Preprocessing> = z
  .object({
    imageSize: z.int().min(1).max(16384),
    channels: z.union([z.literal(1), z.literal(3)]),
    mean: z.array(z.number()),
    std: z.array(z.number().positive()),
    crop: cropSchema.exactOptional(),
  })
  .refine(
    ({ channels, mean, std }) => mean.length === channels && std.length === channels,
    'mean and std need one number for each channel',
  );

const modelSchema = z.object({
  name: label,
  /** Belongs to the models room, which parses it; a JSON object here. */
  config: z.record(z.string(), z.unknown()),
});

const documentSchema = z.object({
  format: z.literal(1),
  model: modelSchema,
  labels: labelSetSchema,
  preprocessing: preprocessingSchema,
  training: trainingSchema.exactOptional(),
  temperature: temperatureSchema.exactOptional(),
  heads: z.object({ rare: headSchema.exactOptional() }).exactOptional(),
});

/** What a model checkpoint says about its tensors. */
export interface ModelDescription {
  readonly model: { readonly name: string; readonly config: Readonly<Record<string, unknown>> };
  readonly labels: LabelSet;
  readonly preprocessing: Preprocessing;
  readonly training?: TrainingRecord;
  /** What makes probabilities of the logits; without one the softmax of the logits counts. */
  readonly temperature?: TemperatureRecord;
  /** Other heads that the file has, by what they prefer. */
  readonly heads?: { readonly rare?: HeadRecord };
}

/** A description as the JSON document that files hold. Throws a plain Error where it breaks its own rules. */
export function formatDescription(description: ModelDescription): string {
  const { model, labels, preprocessing, training, temperature, heads } = description;
  const records = defined<ModelDescription>({ training, temperature, heads });
  return JSON.stringify(documentSchema.parse({ format: 1, model, labels, preprocessing, ...records }));
}

/** Characters of a document in a file's metadata: ours have some thousand. */
const maxDocumentLength = 1024 * 1024;

/**
 * The text of a JSON document in a file's metadata.
 * @throws UserError where it is longer than any that this project writes.
 */
export function documentIn(metadata: ReadonlyMap<string, string>, key: string, path: string): string | undefined {
  const json = metadata.get(key);
  if (json === undefined || json.length <= maxDocumentLength) return json;
  throw new UserError(
    `${path} cannot be read: its ${key} has ${json.length} characters, and ${maxDocumentLength} are read at most; use another checkpoint.`,
  );
}

/**
 * The description in a file's metadata; `undefined` for a file of other origin.
 * @throws UserError where there is one that does not have the expected content.
 */
export function parseDescription(metadata: ReadonlyMap<string, string>, path: string): ModelDescription | undefined {
  const json = documentIn(metadata, descriptionKey, path);
  if (json === undefined) return undefined;
  const versionSchema = z.object({ format: z.int() });
  const { format } = parseJson(json, versionSchema, `The description in ${path}`);
  if (format !== 1) {
    throw new UserError(`${path} has checkpoint format ${format}, this version reads 1: install a newer poster-v2.`);
  }
  const { format: _format, ...description } = parseJson(json, documentSchema, `The description in ${path}`);
  return description;
}

/** @param what kind of file it is, in words */
export function undescribed(path: string, what = 'plain safetensors file'): UserError {
  return new UserError(
    `${path} is a ${what} without a description of its network and labels: say which they are.`,
    'input',
    { settings: ['model', 'labels'] },
  );
}

/**
 * The description of a file already read; shared with `train-state.ts`.
 * @throws UserError when there is none.
 */
export function requireDescription(metadata: ReadonlyMap<string, string>, path: string): ModelDescription {
  const description = parseDescription(metadata, path);
  if (description === undefined) throw undescribed(path);
  return description;
}
