export * from './amend.js';
export * from './checkpoint-file.js';
export type { CheckpointFormat } from './file-kind.js';
export * from './last-checkpoint.js';
export * from './model-file.js';
export { noteChannel, publishNote } from './notes.js';
export { writePth } from './pth/pth-writer.js';
export * from './pth/published-writer.js';
export * from './safetensors-file.js';
