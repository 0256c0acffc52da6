/**
 * Trainers that train one network together, each on its own share of every batch. All make the same calls in the same
 * order, with arrays of the same length.
 */
export interface Reducer {
  /** Which of the trainers this one is, from 0. */
  readonly rank: number;
  /** How many trainers there are. */
  readonly size: number;
  /**
   * Replaces each element by its sum over all trainers, in place; resolves when that is done. Every trainer must get the
   * same bits. In rank order, they are those of one trainer that takes the shares as micro-batches.
   */
  sum(flat: Float32Array): Promise<void>;
}

/** One trainer by itself. */
export const alone: Reducer = { rank: 0, size: 1, sum: () => Promise.resolve() };

/** A number of every trainer, by rank. Whole numbers up to 2^24 and float32 values come through exactly. */
export async function gather(reducer: Reducer, value: number): Promise<number[]> {
  const values = new Float32Array(reducer.size);
  values[reducer.rank] = value;
  await reducer.sum(values);
  return [...values];
}

/** The arrays of all trainers, whose lengths are known, one after another by rank. */
export async function concatenate(
  reducer: Reducer,
  lengths: readonly number[],
  own: Float32Array,
): Promise<Float32Array> {
  if (reducer.size === 1) return own;
  const all = new Float32Array(total(lengths));
  all.set(own, total(lengths.slice(0, reducer.rank)));
  await reducer.sum(all);
  return all;
}

export const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
