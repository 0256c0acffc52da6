/** What a page and the worker that learns for it send each other. */
import type { SentError } from '../../common/sent-errors.js';
import type { LearnEpoch, Learned, Learner, LearnOptions } from '../../learn/index.js';

/** What the worker is asked for. One is answered after the other; `abort` goes between. */
export type LearnRequest =
  | { readonly type: 'create'; readonly options: LearnOptions; readonly wasmPaths: string | undefined }
  /** The next epoch: begins to train, or goes on. */
  | { readonly type: 'next' }
  /** Ends the training under way between two updates; whoever waits for an epoch is told that it is stopped. */
  | { readonly type: 'abort' }
  /** Leaves the training under way. */
  | { readonly type: 'leave' };

/** What a learner is called from outside. */
export type LearnerFacts = Pick<Learner, 'labels' | 'counts'>;

/** The best so far, its arrays not shared with the worker. */
export type SentBest = Omit<Learned, 'history'>;

export type LearnReply =
  | { readonly type: 'created'; readonly facts: LearnerFacts }
  /** `best` where these weights are it. */
  | { readonly type: 'epoch'; readonly epoch: LearnEpoch; readonly best: SentBest | undefined }
  | { readonly type: 'done' }
  | { readonly type: 'stopped' }
  | { readonly type: 'error'; readonly error: SentError };
