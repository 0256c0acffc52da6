import type { ModelCheckpoint } from '../safetensors/index.js';

/** Whether these are weights in memory, and no file of them. */
export function isCheckpoint(base: unknown): base is ModelCheckpoint {
  return typeof base === 'object' && base !== null && 'parameters' in base;
}
