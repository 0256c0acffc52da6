import { UserError } from '../../common/errors.js';
import {
  descriptionKey,
  formatDescription,
  type ModelDescription,
  type Tensor,
  trainStateKey,
} from '../../safetensors/index.js';
import { checkOutputFile } from '../files/output-paths.js';
import { readCheckpointHeader } from './checkpoint-file.js';
import { requireNoState } from './run-state.js';
import { readSafetensors, writeSafetensors } from './safetensors-file.js';

/**
 * The file of weights that may be written again with another description.
 * @param path a file, or a folder that holds one
 * @param out where it is written; default: to itself
 * @throws UserError for what is no safetensors file of a model, or the state of a run, which would drop what is added; where
 * `out` is such a state; and where what is written would find no folder, or one that may not be written.
 */
export async function amendable(path: string, out?: string): Promise<string> {
  const { path: file, format, metadata } = await readCheckpointHeader(path);
  if (format !== 'safetensors') {
    throw new UserError(
      `${file} is a PyTorch checkpoint, which has no place for this: convert it to .safetensors first.`,
      'input',
      { settings: ['convert'] },
    );
  }
  if (metadata.has(trainStateKey)) {
    throw new UserError(
      `${file} is the state of a run, whose weights are not finished; use the run's best.safetensors.`,
    );
  }
  await checkOutputFile(out ?? file);
  if (out !== undefined) await requireNoState(out);
  return file;
}

/**
 * Writes a safetensors file with another description, atomically; its tensors stay as they are, to the bit.
 * @param out may be `path` itself
 * @param more tensors that are added, or take the place of those of their names
 * @throws UserError as {@link amendable}, or where it cannot be written.
 */
export async function amendModel(
  path: string,
  out: string,
  description: ModelDescription,
  more: ReadonlyMap<string, Tensor> = new Map(),
): Promise<void> {
  const { metadata, tensors } = await readSafetensors(await amendable(path, out));
  const amended = new Map([...metadata, [descriptionKey, formatDescription(description)]]);
  await writeSafetensors(out, new Map([...tensors, ...more]), amended);
}
