export * from './batch-records.js';
export {
  type Calibrated,
  type CalibrateOptions,
  calibrate,
  type FitFigures,
  type FitOptions,
  type FittedTemperature,
  temperatureFor,
} from './calibrate.js';
export type { CorruptionOptions, MeasuredRobustness } from './corrupted.js';
export { type BatchLoaderOptions, type BatchPictures, batchCount, someBatches } from './dataset-batches.js';
export * from './embed.js';
export * from './evaluate.js';
export * from './evaluation-document.js';
export { type EvaluationFacts, evaluationFactsSchema } from './evaluation-facts.js';
export * from './feature-map.js';
export * from './label-mapping.js';
export * from './label-order.js';
export * from './network-time.js';
export * from './open-evaluation.js';
export type { Protocol } from './protocol.js';
export * from './rebalance.js';
export * from './sampled-order.js';
export * from './scores.js';
