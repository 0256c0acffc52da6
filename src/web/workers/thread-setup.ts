import type { LoadProgress } from '../../common/load-progress.js';
import type { Reply, ThreadOptions } from '../../workers/messages.js';

/** The first message to a worker. */
export interface ThreadSetup {
  readonly options: ThreadOptions;
  /** What addresses are relative to. */
  readonly base: string;
  /** Folder of ONNX Runtime's files, where the page has named one. */
  readonly wasmPaths: string | undefined;
  /** Whether the page wants to know how much of the weights has come. */
  readonly tellsProgress: boolean;
}

/** What comes from a worker. */
export type WorkerMessage = Reply | { readonly type: 'progress'; readonly progress: LoadProgress };
