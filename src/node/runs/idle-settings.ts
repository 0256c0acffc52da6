import type { RunOptions } from './options.js';
import { augmentationOf } from './run-network.js';

/** Settings that change nothing under one condition. */
export interface IdleGroup {
  readonly keys: readonly (keyof RunOptions)[];
  /** As the end of a sentence: `with adamw`. */
  readonly condition: string;
}

/** Some settings that change nothing beside the others of a run, whatever their values. */
export function idleSettings(run: RunOptions): readonly IdleGroup[] {
  return [
    ...(run.optimizer === 'sgd' ? [] : [{ keys: ['momentum'], condition: `with ${run.optimizer}` }]),
    ...(run.weightDecay > 0 ? [] : [{ keys: ['decay'], condition: 'with a weight decay of 0' }]),
    ...(run.schedule === 'exponential' ? [] : [{ keys: ['gamma'], condition: `with the schedule ${run.schedule}` }]),
    ...(augmentationOf(run).erasing === null
      ? [{ keys: ['erasingScale', 'erasingRatio'], condition: 'where nothing is erased' }]
      : []),
  ];
}
