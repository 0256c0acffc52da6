import { MemoryBudget, type SharedBudget } from '../common/memory-budget.js';
import { maxFilesBytes, maxPictureBytes } from './picture-limits.js';

/** Memory of all pictures of the process that are being decoded, or wait decoded. Threads are given it: `sharePictureMemory`. */
let budget = new MemoryBudget(maxPictureBytes);

export const pictureMemory = (): MemoryBudget => budget;

/**
 * In a worker thread: counts with the thread that started it.
 * @param account what this thread holds, for `MemoryBudget.forgive`
 */
export function sharePictureMemory(shared: SharedBudget, account?: SharedBudget): void {
  budget = new MemoryBudget(maxPictureBytes, shared, account);
}

/** Bytes of files that are read and not decoded yet, of this thread. */
export const fileMemory = new MemoryBudget(maxFilesBytes);
