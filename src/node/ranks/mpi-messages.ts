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

/** What its owner asks of it. Each is answered once, in order. */
export type MpiRequest =
  /** The first elements of a slot, in place. */
  | { readonly type: 'sum'; readonly slot: 0 | 1; readonly count: number }
  /** The first bytes of the first slot; those of all ranks come into the second. */
  | { readonly type: 'allgather'; readonly length: number }
  | { readonly type: 'finish' };

export type MpiAnswer =
  | { readonly type: 'ready'; readonly rank: number; readonly size: number; readonly name: string }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly error: SentError };
