/**
 * What carries bytes between the ranks of one program. All ranks make the same calls in the same order, with arrays of the
 * same length, one call at a time.
 */
export interface Transport {
  /** From 0. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly size: number;
  /** In words, such as `Open MPI v4.1.4`. */
  readonly name: string;
  /** The bytes of all ranks, one after another in their order. */
  allgather(own: Uint8Array): Promise<Uint8Array>;
  /** Replaces each element by its sum over all ranks, in place, with the same bits on all of them. */
  sum(flat: Float32Array): Promise<void>;
  /** Takes leave of the others: they call it too. Safe to call again. */
  close(): Promise<void>;
}

/** Of a program that runs once. */
export const single: Transport = {
  rank: 0,
  size: 1,
  name: 'one process',
  allgather: (own) => Promise.resolve(own.slice()),
  sum: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
