/**
 * Does `work` for every item, at most `limit` at a time, in the order of the items as far as they start. The first
 * failure, or `signal`, keeps further ones from starting; those under way are waited for.
 * @param limit from 1
 * @throws the first failure, or the signal's reason.
 */
export async function forEachParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  // With no runs nothing would be done, and nobody told.
  if (!(limit >= 1)) throw new RangeError(`nothing is done ${limit} at a time`);
  // One iterator for all: each takes the next item.
  const rest = items.entries();
  let failed = false;
  const run = async (): Promise<void> => {
    for (const [index, item] of rest) {
      if (failed) return;
      try {
        signal?.throwIfAborted();
        await work(item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const runs = Array.from({ length: Math.min(limit, items.length) }, run);
  const ended = await Promise.allSettled(runs);
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}
