import { UserError } from '../../common/errors.js';
import {
  type AssumedModel,
  buildInference,
  type ConfiguredNetwork,
  isSurplus,
  resolveDescription,
} from '../../models/index.js';
import {
  describeMismatch,
  type FloatArray,
  isFloatDtype,
  isOptionalBuffer,
  type ModelDescription,
  matchParameters,
  parseDescription,
  requireFinite,
  type Tensor,
  toFloat32,
  trainStateKey,
  trainStatePrefix,
} from '../../safetensors/index.js';
import { type CheckpointFile, readCheckpointFile, type TrainingNotes, trainingNotes } from '../checkpoints/index.js';

/** A checkpoint in memory, whatever file it came from. */
export interface Source {
  /** The file that was read; of a folder, its weights. */
  readonly path: string;
  readonly description: ModelDescription;
  readonly network: ConfiguredNetwork;
  /** Exactly what reaches the logits, as float32. */
  readonly parameters: ReadonlyMap<string, FloatArray>;
  /** What published checkpoints hold besides and this file holds too: dead tensors, landmark head, integer buffers. */
  readonly rest: ReadonlyMap<string, Tensor>;
  /** Names of what else the file holds and the network does not read: what tools left in it, integers, complex numbers. */
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
  const content = await readTensors(path);
  const { metadata, tensors } = content;
  const training = trainingNotes(content.extra);
  const shapes = new Map(
    [...tensors].filter(([, { dtype }]) => isFloatDtype(dtype)).map(([name, { shape }]) => [name, shape]),
  );
  const own = parseDescription(metadata, content.path);
  const { description, network } = resolveDescription(content.path, own, shapes, assumed);
  return {
    path: content.path,
    description,
    network,
    ...sort(content.path, network, tensors),
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

function sort(
  path: string,
  network: ConfiguredNetwork,
  tensors: ReadonlyMap<string, Tensor>,
): Pick<Source, 'parameters' | 'rest' | 'surplus'> {
  const { parameters: specs } = buildInference(network);
  const expected = new Map([...specs].map(([name, { shape }]) => [name, shape]));
  const found = new Map<string, readonly number[]>();
  const rest = new Map<string, Tensor>();
  const surplus: string[] = [];
  for (const [name, tensor] of tensors) {
    if (!expected.has(name) && (network.family.isUnread(name) || isOptionalBuffer(name))) rest.set(name, tensor);
    else if (isFloatDtype(tensor.dtype) && !isSurplus(name, specs, network)) found.set(name, tensor.shape);
    else surplus.push(name);
  }
  const problem = describeMismatch(matchParameters(expected, found), path);
  if (problem !== undefined) throw new UserError(problem);
  const parameters = new Map<string, FloatArray>();
  for (const [name, shape] of expected) {
    const tensor = tensors.get(name);
    if (tensor === undefined) continue;
    const data = toFloat32(tensor, name);
    requireFinite(data, name, path);
    parameters.set(name, { shape, data });
  }
  return { parameters, rest, surplus };
}
