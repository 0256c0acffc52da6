import type { FileSource } from '../common/file-source.js';
import type { ModelCheckpoint } from '../safetensors/index.js';

/** Whether these are weights in memory, and no file of them. */
export function isCheckpoint(base: FileSource | ModelCheckpoint | undefined): base is ModelCheckpoint {
  return typeof base === 'object' && base !== null && 'parameters' in base;
}
