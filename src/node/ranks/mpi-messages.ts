import type { SentError } from '../../common/sent-errors.js';
import type { Launched } from './launcher.js';

/** What the thread of MPI begins with. */
export interface MpiThreadData {
  readonly vendor: Launched['vendor'];
  /** Whether the library sums by itself, in an order of its own. */
  readonly native: boolean;
  /** Memory of both threads, two buckets. */
  readonly slots: readonly [SharedArrayBuffer, SharedArrayBuffer];
}

/** What its owner asks of it. */
export type MpiWork =
  /** The first elements of a slot, in place. */
  | { readonly type: 'sum'; readonly slot: 0 | 1; readonly count: number }
  /** The first bytes of the first slot; those of all ranks come into the second. */
  | { readonly type: 'allgather'; readonly length: number }
  /** Answered once the message is under way. */
  | { readonly type: 'send'; readonly to: number; readonly bytes: Uint8Array }
  | { readonly type: 'receive'; readonly from: number }
  | { readonly type: 'finish' };

/** Numbered, for answers come as the work is done; from 1. */
export type MpiRequest = MpiWork & { readonly id: number };

export type MpiAnswer = { readonly id: number } & (
  | { readonly type: 'ready'; readonly rank: number; readonly size: number; readonly name: string }
  | { readonly type: 'done' }
  | { readonly type: 'received'; readonly bytes: Uint8Array }
  | { readonly type: 'failed'; readonly error: SentError }
);

/** What the thread says by itself, when it has begun or cannot. */
export const beginning = 0;
