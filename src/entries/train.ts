/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/** `poster-v2/train`: runs of training with their folders, recipes, and figures of trained weights. */

export { Learner } from '../learn/index.js';
export {
  type Calibrated,
  type CalibrateOptions,
  type CorruptionOptions,
  calibrate,
  type EmbeddedDataset,
  type Embedder,
  type EmbedOptions,
  type Evaluated,
  type EvaluateOptions,
  embedDataset,
  evaluateOn,
  type FeatureMap,
  type FeatureMapOptions,
  type FitFigures,
  type FitOptions,
  type FittedTemperature,
  findLabelOrder,
  type LabelMapping,
  type LabelOrder,
  loadEmbedder,
  type MappingOptions,
  type Measured,
  type MeasuredRobustness,
  mapFeatures,
  mapLabels,
  mapLogits,
  type OrderedLabels,
  type PictureFeatures,
  type Protocol,
  type Rebalanced,
  type RebalanceOptions,
  rebalance,
  sampledLabelOrder,
  scoresOf,
  stratifiedSample,
  temperatureFor,
} from '../node/measure/index.js';
export {
  type CrossValidation,
  type CrossValidationJob,
  crossValidate,
  crossValidationAt,
  crossValidationDocument,
  type FoldJob,
  readCrossValidation,
} from '../node/runs/cross-validation.js';
export { type History, type HistoryEvent, openHistory, parseHistory, readHistory } from '../node/runs/history.js';
export type { InitReport, InitSource } from '../node/runs/init.js';
export type { EpochSummary, StepProgress, TrainJob, TrainListener, TrainResult } from '../node/runs/job.js';
export { type LearnedFolder, type LearnFolderOptions, learn } from '../node/runs/learn-folder.js';
export { type DataType, parseRun, type RunOptions } from '../node/runs/options.js';
export { datasetRecipe, defaultRun, type RunRequest, runFor } from '../node/runs/recipes.js';
export { type IdleSetting, type IgnoredSetting, type ResolvedRun, resolveRun } from '../node/runs/resolve-run.js';
export type { RunFile, Session } from '../node/runs/run-document.js';
export { train } from '../node/runs/train.js';
export * from './train-every-host.js';
