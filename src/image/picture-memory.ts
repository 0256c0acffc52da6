import { MemoryBudget } from '../common/memory-budget.js';
import { maxFilesBytes, maxPictureBytes } from './picture-limits.js';

/** Memory of all pictures of the process that are being decoded, or wait decoded. Threads are given it: `sharePictureMemory`. */
let budget = new MemoryBudget(maxPictureBytes);

export const pictureMemory = (): MemoryBudget => budget;

/** In a worker thread: counts with the thread that started it. */
export function sharePictureMemory(shared: MemoryBudget['shared']): void {
  budget = new MemoryBudget(maxPictureBytes, shared);
}

/** Bytes of files that are read and not decoded yet, of this thread. */
export const fileMemory = new MemoryBudget(maxFilesBytes);
