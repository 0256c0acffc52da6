import { closeAll } from './close-all.js';

interface Disposable {
  dispose(): Promise<void>;
}

/**
 * Two things that are made side by side. Where one fails, the other is disposed of.
 * @throws what the first was rejected with, otherwise what the second was
 */
export async function allOrNone<A extends Disposable, B extends Disposable | undefined>(
  first: Promise<A>,
  second: Promise<B>,
): Promise<readonly [A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value];
  for (const made of [a, b]) if (made.status === 'fulfilled') await made.value?.dispose();
  const [failure] = [a, b].flatMap((one): unknown[] => (one.status === 'rejected' ? [one.reason] : []));
  throw failure;
}

/**
 * Something that is made of parts, one after the other. Where that fails half way, the parts that there are by then are disposed of.
 * @param make calls `own` with each part as soon as there is one
 * @throws what `make` throws
 */
export async function wholeOrNone<T>(
  make: (own: <Part extends Disposable>(part: Part) => Part) => Promise<T>,
): Promise<T> {
  const parts: Disposable[] = [];
  try {
    return await make((part) => {
      parts.push(part);
      return part;
    });
  } catch (error) {
    const disposals = parts.toReversed().map((part) => () => part.dispose());
    // The first failure is the one to tell.
    await closeAll(...disposals).catch(() => undefined);
    throw error;
  }
}
