export * from './check/index.js';
export * from './dataset.js';
export { type DatasetDescription, descriptionFile } from './dataset-description.js';
export * from './folds.js';
export * from './loader.js';
export * from './prepare/index.js';
export * from './sampler.js';
export * from './splits.js';
