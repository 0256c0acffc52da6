import { whenAborted } from '../../common/signals.js';

/**
 * The items of a source until a signal: then it ends, as if there were no more, also while the next lets wait.
 * @param source told by `ending` that nobody waits any more
 */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
  ending: AbortController,
): AsyncGenerator<T, void, void> {
  const iterator = source[Symbol.asyncIterator]();
  let stop: () => void = () => undefined;
  const release = whenAborted(signal, () => stop());
  try {
    while (!signal.aborted) {
      // A promise of its own for each item: one that outlives them would hold on to all that were raced against it.
      const result = await new Promise<IteratorResult<T, unknown> | undefined>((resolve, reject) => {
        stop = () => resolve(undefined);
        iterator.next().then(resolve, reject);
      });
      if (result === undefined || result.done === true) break;
      yield result.value;
    }
  } finally {
    release();
    ending.abort();
    await iterator.return?.()?.catch(() => undefined);
  }
}
