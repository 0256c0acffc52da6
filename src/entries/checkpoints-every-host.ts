/** What `poster-v2/checkpoints` has on every host: weights in memory, read, written and converted. */

export { type OnnxOptions, type OnnxSource, toOnnx } from '../convert/index.js';
export type { CheckpointEntry } from '../safetensors/index.js';
export {
  assignParameters,
  checkpointBytes,
  decodeParameters,
  describeMismatch,
  encodeModel,
  type HeadRecord,
  type ModelCheckpoint,
  type ModelDescription,
  matchParameters,
  type ParameterMatch,
  type Precision,
  type Preference,
  type ProtocolRecord,
  parseDescription,
  parseSafetensors,
  type Safetensors,
  type Shapes,
  safetensorsChunks,
  shapesOf,
  type TemperatureRecord,
  type TrainingRecord,
} from '../safetensors/index.js';
