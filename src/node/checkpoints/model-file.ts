import {
  type ModelDescription,
  parseDescription,
  requireDescription,
  undescribed,
} from '../../safetensors/description.js';
import { requireFinite } from '../../safetensors/finite.js';
import {
  decodeParameters,
  encodeModel,
  isParameter,
  type ModelCheckpoint,
  type Precision,
} from '../../safetensors/model-checkpoint.js';
import type { FloatArray } from '../../safetensors/tensor.js';
import { type CheckpointInfo, readCheckpointFile } from './checkpoint-file.js';
import { readHeader, writeSafetensors } from './safetensors-file.js';

/**
 * Writes a model checkpoint atomically, without copying its F32 arrays; they must not change until it is done.
 * @throws UserError when it cannot be written; a previous file of that name is then still there.
 */
export async function saveModel(path: string, checkpoint: ModelCheckpoint, precision?: Precision): Promise<void> {
  const { metadata, tensors } = encodeModel(checkpoint, precision);
  await writeSafetensors(path, tensors, metadata);
}

/**
 * Reads what a checkpoint says about itself, not its tensors.
 * @throws UserError when it cannot be read or says nothing.
 */
export async function readDescription(path: string): Promise<ModelDescription> {
  return requireDescription((await readHeader(path)).metadata, path);
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
  if (description === undefined) throw undescribed(path, format === 'safetensors' ? undefined : 'PyTorch checkpoint');
  for (const [name, { data }] of parameters) requireFinite(data, name, path);
  return { ...description, parameters };
}
