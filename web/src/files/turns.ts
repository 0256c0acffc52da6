/** Those who wait for a turn of their own, and what gives them one: a message, which tabs in the background get at once. */
const waiting: (() => void)[] = [];
const { port1, port2 } = new MessageChannel();
port1.onmessage = () => waiting.shift()?.();

/** The next turn of the event loop: the page answers and is drawn in between. Timers would wait for a second in the background. */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(undefined);
  });

/** After what was changed is drawn; a tenth of a second later where nothing is, as in a tab behind others. */
export const nextFrame = (): Promise<void> =>
  new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve, 0));
    setTimeout(resolve, 100);
  });

/** Milliseconds of work in one turn: half of what a frame lasts. */
const most = 8;

/** What work gives for each item of a list, some in a turn, so that a long one does not hold up the page. */
export async function inTurns<T, R>(items: readonly T[], work: (item: T, index: number) => R): Promise<R[]> {
  const results: R[] = [];
  let begun = performance.now();
  for (const [index, item] of items.entries()) {
    if (performance.now() - begun > most) {
      await nextTurn();
      begun = performance.now();
    }
    results.push(work(item, index));
  }
  return results;
}
