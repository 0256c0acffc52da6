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
export * from './embed.js';
export * from './evaluate.js';
export * from './evaluation-document.js';
export * from './feature-map.js';
export * from './label-mapping.js';
export * from './label-order.js';
export * from './network-time.js';
export type { Protocol } from './protocol.js';
export * from './rebalance.js';
export * from './sampled-order.js';
