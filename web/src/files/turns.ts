/** The next turn of the event loop: the page answers and is drawn in between. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** After what was changed is drawn; a tenth of a second later where nothing is, as in a tab behind others. */
export const nextFrame = (): Promise<void> =>
  new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve, 0));
    setTimeout(resolve, 100);
  });

/** Items that are worked on in a turn: some milliseconds. */
const slice = 25;

/** What work gives for a list, a slice after the other, so that a long one does not hold up the page. */
export async function inTurns<T, R>(
  items: readonly T[],
  work: (slice: readonly T[], index: number) => R,
): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += slice) {
    if (from > 0) await nextTurn();
    results.push(work(items.slice(from, from + slice), from));
  }
  return results;
}
