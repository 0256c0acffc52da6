export * from './calibration.js';
export * from './evaluation.js';
export * from './label-order.js';
export { predictions, type Scores } from './predictions.js';
export * from './softmax.js';
export * from './summary.js';
