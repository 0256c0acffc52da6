import type { Reply, Request, ThreadOptions } from '../../workers/messages.js';
import type { WorkDone } from './work-done.js';

/** The file descriptor, in the process that recognises, of its connection with whoever started it. */
export const ownerStream = 3;

/** The first message to a process that recognises. */
export interface ProcessSetup {
  readonly type: 'setup';
  readonly options: ThreadOptions;
}

export type ToProcess = ProcessSetup | Request;

/** What a process uses of the machine. */
export interface ProcessUsage {
  /** Bytes of memory. */
  readonly memory: number;
  /** Seconds of processor time since it was told before. */
  readonly processorSeconds: number;
}

export type FromProcess = { readonly reply: Reply } | { readonly work: WorkDone } | { readonly usage: ProcessUsage };
