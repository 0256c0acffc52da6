/**
 * What must be undone where the process ends in the middle of it: temporary files, programs that write them. A signal that
 * the system itself acts upon leaves no time for it.
 */
const begun = new Set<() => void>();

/**
 * @param undo must do it at once, not asynchronously; what it throws is passed over
 * @returns to be called once there is nothing to undo any more
 */
export function undoneAtExit(undo: () => void): () => void {
  if (begun.size === 0) process.once('exit', undoAll);
  begun.add(undo);
  return () => {
    begun.delete(undo);
    if (begun.size === 0) process.removeListener('exit', undoAll);
  };
}

export const isAnythingBegun = (): boolean => begun.size > 0;

/** Before the process ends. */
export function undoAll(): void {
  for (const undo of begun) {
    try {
      undo();
    } catch {
      // Best effort: the process ends.
    }
  }
  begun.clear();
}
