/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The public interface. Recognising and training are at the top; the parts they are made of, for networks of your own,
 * are in namespaces. Reports, which load a plotting library, are `poster-v2/report`.
 */

export * as autodiff from './autodiff/index.js';
export { type ErrorKind, UserError } from './common/errors.js';
export * from './common/label-sets.js';
export type { LabelSet } from './common/labels.js';
export type { Preprocessing } from './common/preprocessing.js';
export * as detect from './detect/index.js';
export * from './explain/index.js';
export * as graph from './graph/index.js';
export * as image from './image/index.js';
export * as metrics from './metrics/index.js';
export * as models from './models/index.js';
export * as nn from './nn/index.js';
export * as checkpoints from './node/checkpoints/index.js';
export { type Converted, type ConvertOptions, convert, toOnnx } from './node/convert/index.js';
export * from './node/crop/index.js';
export * as data from './node/datasets/index.js';
export * as decode from './node/decode/index.js';
export * from './node/ffmpeg/index.js';
export * from './node/measure/index.js';
export type { InitPart, InitReport, InitSource } from './node/runs/init.js';
export type {
  EpochSummary,
  StepProgress,
  TrainJob,
  TrainListener,
  TrainResult,
} from './node/runs/job.js';
export { type DataType, parseRun, type RunOptions } from './node/runs/options.js';
export { datasetRecipes, defaultRun, networkRecipes, type Recipe, type RunWish, runFor } from './node/runs/recipes.js';
export type { RunFile, Session } from './node/runs/run-file.js';
export { train } from './node/runs/train.js';
export * as onnx from './onnx/index.js';
export * as ops from './ops/index.js';
export * as optim from './optim/index.js';
export * as passes from './passes/index.js';
export * from './recognize/index.js';
export * as runtime from './runtime/index.js';
export * as safetensors from './safetensors/index.js';
export * from './video/index.js';
