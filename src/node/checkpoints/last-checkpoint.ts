import { join } from 'node:path';
import { UserError } from '../../common/errors.js';
import type { ModelCheckpoint } from '../../safetensors/model-checkpoint.js';
import {
  decodeTrainState,
  encodeTrainState,
  lastFileName,
  parseTrainState,
  type TrainState,
} from '../../safetensors/train-state.js';
import { makeFolder } from '../files/output-paths.js';
import { isFolder } from '../files/path-kind.js';
import { readCheckpointHeader } from './checkpoint-file.js';
import { readSafetensors, writeSafetensors } from './safetensors-file.js';

/**
 * Replaces the `last` checkpoint in the folder `dir` (made if missing). Whatever happens meanwhile, `kill -9` and power
 * failure included, the folder holds the previous one or the new one, whole. Arrays are written without being copied
 * and must not change until the promise settles.
 * @returns path of the file
 * @throws UserError when it cannot be written; the previous one is then still there.
 */
export async function saveLast(dir: string, model: ModelCheckpoint, state: TrainState): Promise<string> {
  const path = join(dir, lastFileName);
  const { metadata, tensors } = encodeTrainState(model, state);
  await makeFolder(dir);
  await writeSafetensors(path, tensors, metadata);
  return path;
}

/** The file of a run's state that a path means: itself, or that in the run's folder, whose weights others read. */
export async function lastCheckpointAt(path: string): Promise<string> {
  return (await isFolder(path)) ? join(path, lastFileName) : path;
}

/**
 * Reads a checkpoint written by {@link saveLast}, each array in memory of its own, ready to be trained on in place.
 * @param path the file; for a folder, see {@link loadLast}
 * @throws UserError when it cannot be read or holds no training state.
 */
export async function loadTrainState(
  path: string,
): Promise<{ readonly model: ModelCheckpoint; readonly state: TrainState }> {
  return decodeTrainState(await readSafetensors(path), path);
}

/**
 * Reads the `last` checkpoint of a run's folder.
 * @throws UserError when there is none or it cannot be read.
 */
export function loadLast(dir: string): Promise<{ readonly model: ModelCheckpoint; readonly state: TrainState }> {
  return loadTrainState(join(dir, lastFileName));
}

/**
 * The run configuration in a checkpoint written by {@link saveLast}, from its header alone.
 * @param path the file, or the run's folder
 * @throws UserError when it cannot be read or holds no training state.
 */
export async function readRunConfig(path: string): Promise<unknown> {
  const file = await lastCheckpointAt(path);
  const { format, metadata } = await readCheckpointHeader(file);
  if (format !== 'safetensors') {
    throw new UserError(
      `${file} is a PyTorch checkpoint, and a run resumes from its own ${lastFileName} only: start a new run from these weights.`,
      'input',
      { settings: ['init'] },
    );
  }
  return parseTrainState(metadata, file).config;
}
