export * from './evaluation.js';
export * from './history.js';
