/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/** `poster-v2/checkpoints`: files of weights, read, written and converted. */

export {
  type CheckpointFile,
  type CheckpointFormat,
  type CheckpointHeader,
  type CheckpointInfo,
  type Extra,
  type LoadedParameters,
  loadModel,
  loadParameters,
  openCheckpointFile,
  type PublishedCheckpoint,
  type ResumeSettings,
  readCheckpointFile,
  readCheckpointHeader,
  readDescription,
  readHeader,
  readSafetensors,
  saveModel,
  type TrainingNotes,
  trainingNotes,
  writePth,
  writePublished,
  writeSafetensors,
} from '../node/checkpoints/index.js';
export {
  type Converted,
  type ConvertOptions,
  convert,
  type Format,
  formats,
  readSource,
  type Source,
} from '../node/convert/index.js';
export * from './checkpoints-every-host.js';
