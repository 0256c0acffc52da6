export * from './model-checkpoint.js';
export * from './parameters.js';
export * from './safetensors.js';
export * from './tensor.js';
export * from './train-state.js';
