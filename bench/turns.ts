import { setTimeout } from 'node:timers/promises';

/** Of an odd number of values; the upper of the two in the middle otherwise. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Threads spin for a while after a run, ready for the next: wait until those of the other side sleep. */
export const settle = (): Promise<void> => setTimeout(400);

/**
 * Medians of the times that several take for the same, in milliseconds: run by run in turns, so that what else the machine
 * does hits all of them. The first runs do not count.
 */
export async function inTurns(
  runs: number,
  subjects: readonly (() => Promise<unknown>)[],
  warmUps = 2,
): Promise<readonly number[]> {
  const times = subjects.map((): number[] => []);
  for (let run = -warmUps; run < runs; run++) {
    for (const [i, subject] of subjects.entries()) {
      if (subjects.length > 1) await settle();
      const start = performance.now();
      await subject();
      if (run >= 0) times[i]?.push(performance.now() - start);
    }
  }
  return times.map(median);
}
