export { readBase } from './base.js';
export type { LabelledCrop, LearnOptions } from './learn-options.js';
export { type LearnEpoch, type Learned, Learner } from './learner.js';
