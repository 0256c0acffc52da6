import { UserError } from '../../common/errors.js';
import {
  type AssumedModel,
  buildInference,
  type ConfiguredNetwork,
  isSurplus,
  resolveDescription,
} from '../../models/index.js';
import {
  chosenHead,
  describedAs,
  describeMismatch,
  type FloatArray,
  type HeadNames,
  headPrefix,
  isFloatDtype,
  isOptionalBuffer,
  isReserved,
  type ModelDescription,
  matchParameters,
  type Preference,
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
  /** Those of other heads, where the file's own is not another that was chosen. */
  readonly headTensors: ReadonlyMap<string, Tensor>;
  /** Names of what else the file holds and the network does not read: what tools left in it, integers, complex numbers. */
  readonly surplus: readonly string[];
  /** What a training script said about the weights it saved. */
  readonly training: TrainingNotes;
  /** Whether the file held a state of training, which conversions leave behind. */
  readonly hadTrainState: boolean;
}

/**
 * Reads a checkpoint to convert: `.safetensors`, `.pth`, or a folder that `convert` made.
 * @throws UserError where it cannot be read, does not say what it is, or holds another network than it says.
 */
export async function readSource(
  path: string,
  assumed?: AssumedModel,
  prefer: Preference = 'accuracy',
): Promise<Source> {
  const content = await readTensors(path);
  const { metadata } = content;
  const training = trainingNotes(content.extra);
  const shapes = new Map(
    [...content.tensors]
      .filter(([name, { dtype }]) => isFloatDtype(dtype) && !isReserved(name))
      .map(([name, { shape }]) => [name, shape]),
  );
  const own = parseDescription(metadata, content.path);
  const { description: whole, network } = resolveDescription(content.path, own, shapes, assumed);
  const description = describedAs(whole, prefer, content.path);
  const { tensors, headTensors } = withChosenHead(content, prefer, network.family.head);
  return {
    path: content.path,
    description,
    network,
    ...sort(content.path, network, tensors),
    headTensors,
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

/** The tensors of a network with the head that was chosen, and those of other heads: none where one was chosen. */
function withChosenHead(
  { path, tensors: all }: CheckpointFile,
  prefer: Preference,
  head: HeadNames,
): { readonly tensors: ReadonlyMap<string, Tensor>; readonly headTensors: ReadonlyMap<string, Tensor> } {
  const tensors = new Map([...all].filter(([name]) => !isReserved(name)));
  if (prefer === 'accuracy') {
    return { tensors, headTensors: new Map([...all].filter(([name]) => name.startsWith(headPrefix))) };
  }
  for (const [own, name] of chosenHead(prefer, head, path, all)) {
    const tensor = all.get(name);
    if (tensor !== undefined) tensors.set(own, tensor);
  }
  return { tensors, headTensors: new Map() };
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
