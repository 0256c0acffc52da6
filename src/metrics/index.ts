export { argmax } from './argmax.js';
export * from './calibration.js';
export * from './evaluation.js';
export * from './figures.js';
export * from './fitting-order.js';
export * from './log-softmax.js';
export { predictions, type Scores } from './predictions.js';
export * from './robustness.js';
export * from './spread.js';
