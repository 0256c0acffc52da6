export * from './model-checkpoint.js';
export * from './parameters.js';
export { writePth } from './pth-writer.js';
export * from './published-writer.js';
export * from './safetensors.js';
export * from './tensor.js';
export * from './train-state.js';
