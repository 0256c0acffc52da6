import { z } from 'zod';
import { UserError } from '../common/errors.js';
import { parseJson } from '../common/json.js';
import { inOneForm, type LabelSet, labelProblem } from '../common/labels.js';
import { type CropTemplate, keypointNames, type Preprocessing } from '../common/preprocessing.js';
import { descriptionKey } from './description-key.js';
import {
  type FloatArray,
  fromFloat32,
  isFloatDtype,
  type Tensor,
  toFloat32,
  toHalf,
} from './tensor.js';
import { type CheckpointInfo, readCheckpointFile } from '../node/checkpoints/checkpoint-file.js';
import type { CheckpointFormat } from '../node/checkpoints/file-kind.js';
import { requireFinite } from './finite.js';
import { isOptionalBuffer } from './parameters.js';
import { readHeader, type Safetensors, writeSafetensors } from './safetensors.js';

// A model checkpoint is one safetensors file: tensors under their published names, and in the metadata, as the string
// `poster_v2`, a JSON document that says what network they belong to and what its outputs mean.

export { descriptionKey };

/** Tensors whose names begin so belong to training (`train-state.ts`), not to the network. */
export const trainStatePrefix = 'train_state/';

/** Names are shown on terminals. */
const plainText = z.string().refine((text) => labelProblem(text) === undefined, {
  error: ({ input }) => labelProblem(String(input)) ?? '',
});
const label = plainText.min(1);
const count = z.int().nonnegative();

const areDistinct = (labels: readonly string[]): boolean => new Set(labels).size === labels.length;

const labelSetSchema: z.ZodType<LabelSet> = z.object({
  name: plainText.transform(inOneForm),
  labels: z
    .array(label)
    .min(1)
    .refine(areDistinct, 'a label occurs twice')
    .transform((labels) => {
      // Older files hold labels as a file system stored them: one that had both forms of a name had two classes.
      const written = labels.map(inOneForm);
      return areDistinct(written) ? written : labels;
    }),
});

// Somewhat outside is possible: ears beyond the border.
const fraction = z.number().min(-2).max(3);
/** How faces lie in crops, as JSON. */
export const cropSchema: z.ZodType<CropTemplate> = z.object({
  name: plainText,
  points: z
    .partialRecord(z.enum(keypointNames), z.tuple([fraction, fraction]))
    .refine(
      (points) => new Set(Object.values(points).map((point) => point?.join())).size >= 2,
      'needs two points in different places',
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

const protocolSchema = z.object({
  /** Name of the dataset. */
  dataset: z.string(),
  trainSplit: z.string(),
  /** Split that chose the best epoch; null: pictures held out of the training split. */
  selectionSplit: z.string().nullable(),
  /** The same in words. */
  selection: z.string(),
  /** The part of the training split that was kept from all this. */
  fold: z.object({ index: z.int().min(1), count: z.int().min(2), seed: count }).exactOptional(),
});
/** Which pictures weights were trained on and chosen with: whether a measurement on others is fair follows from it. */
export type ProtocolRecord = z.infer<typeof protocolSchema>;

const trainingSchema = z.object({
  /** The command line, to run it again. */
  command: z.string(),
  seed: count,
  /** Epochs that were finished. */
  epoch: count,
  /** On the split that `dataset` names, such as `accuracy`. */
  metrics: z.record(z.string(), z.number()),
  /** Dataset and split, in words. */
  dataset: z.string(),
  protocol: protocolSchema.exactOptional(),
  /** Of this program, ONNX Runtime and Node, by name. */
  versions: z.record(z.string(), z.string()),
  /** Of this program's clone, where there was one, and whether its sources had been changed since. */
  git: z.object({ commit: z.string(), dirty: z.boolean() }).exactOptional(),
  /** All settings of the run, parsed by the trainer; of folders the name only. */
  options: z.record(z.string(), z.unknown()).exactOptional(),
});
/** Where the weights come from. */
export type TrainingRecord = z.infer<typeof trainingSchema>;

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
});

/** What a model checkpoint says about its tensors. */
export interface ModelDescription {
  readonly model: { readonly name: string; readonly config: Readonly<Record<string, unknown>> };
  readonly labels: LabelSet;
  readonly preprocessing: Preprocessing;
  readonly training?: TrainingRecord;
}

/** A network's weights and running statistics by published name, with their description. */
export interface ModelCheckpoint extends ModelDescription {
  readonly parameters: ReadonlyMap<string, FloatArray>;
}

/**
 * How weights are stored. `F16` halves the file: matrices and kernels keep eleven significant bits; vectors (biases,
 * normalisation, its statistics) stay F32, where they weigh little and their range may matter, and so does a matrix whose
 * values half precision cannot hold.
 */
export type Precision = 'F32' | 'F16';

/** The largest number of half precision, and the smallest that keeps all its bits. */
const [largestHalf, smallestNormalHalf] = [65504, 2 ** -14];

/** Whether an array is stored in half precision where that is asked for. */
export function fitsHalf({ shape, data }: FloatArray): boolean {
  if (shape.length < 2) return false;
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // Not above: it would be infinite. Not all far below: next to nothing would be left of them.
  return largest === 0 || (largest <= largestHalf && largest >= smallestNormalHalf);
}

/** An array as it is stored. */
export function inPrecision(array: FloatArray, precision: Precision): Tensor {
  return precision === 'F16' && fitsHalf(array) ? toHalf(array) : fromFloat32(array);
}

/** A description as the JSON document that files hold. Throws a plain Error where it breaks its own rules. */
export function formatDescription({ model, labels, preprocessing, training }: ModelDescription): string {
  const record = training === undefined ? {} : { training };
  return JSON.stringify(documentSchema.parse({ format: 1, model, labels, preprocessing, ...record }));
}

/**
 * The metadata and tensors of a model checkpoint, over the same memory.
 * Throws a plain Error where the description breaks its own rules: that is a defect of the caller.
 */
export function encodeModel(checkpoint: ModelCheckpoint, precision: Precision = 'F32'): Safetensors {
  const description = formatDescription(checkpoint);
  const tensors = new Map<string, Tensor>();
  for (const [name, array] of checkpoint.parameters) {
    if (name.startsWith(trainStatePrefix)) throw new Error(`A parameter cannot be called ${name}.`);
    tensors.set(name, inPrecision(array, precision));
  }
  // `format: pt` tells other readers of safetensors that names and layouts are PyTorch's.
  const metadata = new Map([
    ['format', 'pt'],
    [descriptionKey, description],
  ]);
  return { metadata, tensors };
}

/**
 * Writes a model checkpoint atomically, without copying its F32 arrays; they must not change until it is done.
 * @throws UserError when it cannot be written; a previous file of that name is then still there.
 */
export function saveModel(path: string, checkpoint: ModelCheckpoint, precision?: Precision): Promise<void> {
  const { metadata, tensors } = encodeModel(checkpoint, precision);
  return writeSafetensors(path, tensors, metadata);
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

function undescribed(path: string, format: CheckpointFormat = 'safetensors'): UserError {
  const what = format === 'safetensors' ? 'plain safetensors file' : 'PyTorch checkpoint';
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

/**
 * Reads what a checkpoint says about itself, not its tensors.
 * @throws UserError when it cannot be read or says nothing.
 */
export async function readDescription(path: string): Promise<ModelDescription> {
  return requireDescription((await readHeader(path)).metadata, path);
}

/** The network's part of a file that is in memory: floating-point tensors, without optional buffers. */
export function decodeParameters(tensors: Safetensors['tensors']): Map<string, FloatArray> {
  const parameters = new Map<string, FloatArray>();
  for (const [name, tensor] of tensors) {
    if (!isParameter(name, tensor)) continue;
    parameters.set(name, { shape: tensor.shape, data: toFloat32(tensor, name) });
  }
  return parameters;
}

function isParameter(name: string, { dtype }: Pick<Tensor, 'dtype'>): boolean {
  return isFloatDtype(dtype) && !isOptionalBuffer(name) && !name.startsWith(trainStatePrefix);
}

/**
 * Reads any checkpoint, safetensors or PyTorch's, as weights: floating-point tensors as float32 (F16, BF16 and F64 are
 * converted; integer buffers and training state are left out), and its description where it has one. Values may be
 * anything: {@link requireFinite} is for those that are used.
 * @throws UserError when it cannot be read.
 */
export async function loadParameters(path: string): Promise<LoadedParameters> {
  const { tensors, ...rest } = await readCheckpointFile(path, isParameter);
  return { ...rest, parameters: decodeParameters(tensors), description: parseDescription(rest.metadata, rest.path) };
}

/** Weights, and what their file says about them. */
export interface LoadedParameters extends CheckpointInfo {
  readonly parameters: Map<string, FloatArray>;
  readonly description: ModelDescription | undefined;
}

/**
 * Reads a model checkpoint. Whether its tensors fit the network it names is for `assignParameters` to check.
 * @param assumed description of a plain safetensors file or a PyTorch one; a file's own description goes first
 * @throws UserError when it cannot be read, describes nothing and nothing was assumed, or holds weights that are no numbers.
 */
export async function loadModel(path: string, assumed?: ModelDescription): Promise<ModelCheckpoint> {
  const { parameters, format, description = assumed } = await loadParameters(path);
  if (description === undefined) throw undescribed(path, format);
  for (const [name, { data }] of parameters) requireFinite(data, name, path);
  return { ...description, parameters };
}
