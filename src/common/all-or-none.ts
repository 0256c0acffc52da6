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
