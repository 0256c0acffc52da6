import type { RunOptions } from './options.js';
import { augmentationOf } from './run-network.js';

/** Settings that change nothing beside the others of a run. */
export interface IdleSettings {
  readonly keys: readonly (keyof RunOptions)[];
  /** The end of a sentence: `of adamw`. */
  readonly because: string;
}

/** Settings that say nothing beside the others of a run, whatever their values. */
export function idleSettings(run: RunOptions): readonly IdleSettings[] {
  return [
    ...(run.optimizer === 'sgd' ? [] : [{ keys: ['momentum'], because: `of ${run.optimizer}` }]),
    ...(run.weightDecay > 0 ? [] : [{ keys: ['decay'], because: 'at a weight decay of 0' }]),
    ...(run.schedule === 'exponential' ? [] : [{ keys: ['gamma'], because: `of the schedule ${run.schedule}` }]),
    ...(augmentationOf(run).erasing === null
      ? [{ keys: ['erasingScale', 'erasingRatio'], because: 'where nothing is erased' }]
      : []),
  ];
}
