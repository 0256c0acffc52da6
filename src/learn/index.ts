export { readBase } from './base.js';
export { type LabelledCrop, type LearnEpoch, type Learned, Learner, type LearnOptions } from './learner.js';
