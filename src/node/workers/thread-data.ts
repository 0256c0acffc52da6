import type { MessagePort } from 'node:worker_threads';
import type { SharedBudget } from '../../common/memory-budget.js';
import type { Transferred } from '../../common/parcel.js';
import type { ThreadOptions } from '../../workers/messages.js';
import type { NativeWork } from './native-work.js';

/** What a thread is started with. */
export interface ThreadData {
  readonly options: ThreadOptions;
  /** Of the pictures of the whole process. */
  readonly memory: SharedBudget;
  /** What of it the thread holds. */
  readonly account: SharedBudget;
  readonly nativeWork: NativeWork['shared'];
  /** Where it tells what it has done, if anybody listens. */
  readonly workDone: MessagePort | undefined;
}

/** What Node gives away: memory. */
export const transferList = (transfer: readonly Transferred[]): ArrayBuffer[] =>
  transfer.filter((one) => one instanceof ArrayBuffer);
