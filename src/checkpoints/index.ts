export * from './checkpoint-file.js';
export type { CheckpointFormat } from './file-kind.js';
export * from './model-checkpoint.js';
export * from './parameters.js';
export { writePth } from './pth/pth-writer.js';
export * from './pth/published-writer.js';
export * from './safetensors.js';
export * from './tensor.js';
export * from './train-state.js';
