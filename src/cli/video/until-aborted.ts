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
  const stopped = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
  });
  const release = whenAborted(signal, stop);
  try {
    while (!signal.aborted) {
      const next = iterator.next();
      // After the signal nobody looks at it.
      next.catch(() => undefined);
      const result = await Promise.race([next, stopped]);
      if (result === undefined || result.done === true) break;
      yield result.value;
    }
  } finally {
    release();
    ending.abort();
    await iterator.return?.()?.catch(() => undefined);
  }
}
