import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  type CheckpointFile,
  describeMismatch,
  descriptionKey,
  type FloatArray,
  isFloatDtype,
  isOptionalBuffer,
  type ModelDescription,
  matchParameters,
  parseDescription,
  readCheckpointFile,
  type Tensor,
  type TrainingNotes,
  toFloat32,
  trainingNotes,
  trainStateKey,
  trainStatePrefix,
} from '../checkpoints/index.js';
import { UserError } from '../common/errors.js';
import { explainFileError, readJson } from '../common/files.js';
import {
  type AssumedModel,
  buildInference,
  isIgnoredOnLoad,
  type PosterV2Config,
  resolveDescription,
} from '../models/index.js';

/** A checkpoint in memory, whatever file it came from. */
export interface Source {
  /** The file that was read; of a folder, its weights. */
  readonly path: string;
  readonly description: ModelDescription;
  readonly config: PosterV2Config;
  /** Exactly what reaches the logits, as float32. */
  readonly parameters: ReadonlyMap<string, FloatArray>;
  /** What published checkpoints hold besides and this file holds too: dead tensors, landmark head, integer buffers. */
  readonly rest: ReadonlyMap<string, Tensor>;
  /** Names of what else the file holds: integers, complex numbers and the like, which no network reads. */
  readonly surplus: readonly string[];
  /** What a training script said about the weights it saved. */
  readonly training: TrainingNotes;
  /** Whether the file held a state of training, which conversions leave behind. */
  readonly hadTrainState: boolean;
}

/**
 * Reads a checkpoint to convert: `.safetensors`, `.pth`, or a folder that `poster convert` made.
 * @throws UserError where it cannot be read, does not say what it is, or holds another network than it says.
 */
export async function readSource(path: string, assumed?: AssumedModel): Promise<Source> {
  const file = await weightsFile(path);
  const content = await readTensors(file.path);
  const { metadata, tensors } = content;
  const training = trainingNotes(content.extra);
  const own = parseDescription(metadata, file.path) ?? file.description;
  const shapes = new Map(
    [...tensors].filter(([, { dtype }]) => isFloatDtype(dtype)).map(([name, { shape }]) => [name, shape]),
  );
  const { description, config } = resolveDescription(file.path, own, shapes, assumed);
  return {
    path: file.path,
    description,
    config,
    ...sort(file.path, config, tensors),
    training,
    hadTrainState: metadata.has(trainStateKey) || training.hasOptimizer,
  };
}

async function readTensors(path: string): Promise<CheckpointFile> {
  if (/\.onnx$/i.test(path)) {
    throw new UserError(
      `${path} is an ONNX model, whose weights cannot be told apart any more: convert the checkpoint that it was made from.`,
    );
  }
  return readCheckpointFile(path, (name) => !name.startsWith(trainStatePrefix));
}

/** Other programs drop a file's metadata when they save it again; in a folder, config.json says the same. */
const configSchema = z.object({ [descriptionKey]: z.record(z.string(), z.unknown()).optional() });

async function weightsFile(
  path: string,
): Promise<{ readonly path: string; readonly description?: ModelDescription | undefined }> {
  const info = await stat(path).catch((error: unknown) => {
    throw explainFileError(error, 'read', path);
  });
  if (!info.isDirectory()) return { path };
  const configPath = join(path, 'config.json');
  const document = (await readJson(configPath, configSchema))[descriptionKey];
  const weights = join(path, 'model.safetensors');
  if (document === undefined) return { path: weights };
  const metadata = new Map([[descriptionKey, JSON.stringify(document)]]);
  return { path: weights, description: parseDescription(metadata, configPath) };
}

function sort(
  path: string,
  config: PosterV2Config,
  tensors: ReadonlyMap<string, Tensor>,
): Pick<Source, 'parameters' | 'rest' | 'surplus'> {
  const expected = new Map([...buildInference(config).parameters].map(([name, { shape }]) => [name, shape]));
  const found = new Map<string, readonly number[]>();
  const rest = new Map<string, Tensor>();
  const surplus: string[] = [];
  for (const [name, tensor] of tensors) {
    if (!expected.has(name) && (isIgnoredOnLoad(name) || isOptionalBuffer(name))) rest.set(name, tensor);
    else if (isFloatDtype(tensor.dtype)) found.set(name, tensor.shape);
    else surplus.push(name);
  }
  const problem = describeMismatch(matchParameters(expected, found), path);
  if (problem !== undefined) throw new UserError(problem);
  const parameters = new Map<string, FloatArray>();
  for (const [name, shape] of expected) {
    const tensor = tensors.get(name);
    if (tensor !== undefined) parameters.set(name, { shape, data: toFloat32(tensor, name) });
  }
  return { parameters, rest, surplus };
}
