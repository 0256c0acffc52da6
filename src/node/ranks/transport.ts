/**
 * What carries bytes between the ranks of one program. All ranks make the same calls in the same order, with arrays of the
 * same length, one call at a time; messages from one to another (`send`, `receive`) are for the time between such calls.
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
  /**
   * Sends a message to another rank, behind those sent to it before. It resolves once the bytes may be changed; nobody need have
   * received them.
   */
  send(to: number, bytes: Uint8Array): Promise<void>;
  /** The next message of another rank, once it sends one. One call for each rank at a time. */
  receive(from: number): Promise<Uint8Array>;
  /** Takes leave of the others: they call it too. Safe to call again. */
  close(): Promise<void>;
}

/** Bytes of a message, at most. */
export const longestMessage = 2 ** 28;

const nobody = (): Promise<never> => Promise.reject(new Error('there is no other rank'));

/** Of a program that runs once. */
export const single: Transport = {
  rank: 0,
  size: 1,
  name: 'one process',
  allgather: (own) => Promise.resolve(own.slice()),
  sum: () => Promise.resolve(),
  send: nobody,
  receive: nobody,
  close: () => Promise.resolve(),
};
