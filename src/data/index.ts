export * from './augment.js';
export * from './dataset.js';
export * from './decode.js';
export * from './folds.js';
export * from './loader.js';
export * from './prepare/index.js';
export * from './resize.js';
export * from './sampler.js';
