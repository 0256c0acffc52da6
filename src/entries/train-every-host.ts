/// <reference lib="esnext.disposable" preserve="true" />
/** What `poster-v2/train` has on every host: training and learning without files. */

export type { Batch } from '../image/index.js';
export { type LabelledCrop, type LearnEpoch, type Learned, type LearnOptions, readBase } from '../learn/index.js';
export type { Agreement, Uncalibrated, VoteAgreement } from '../metrics/index.js';
export { fitTemperature, voteAgreement } from '../metrics/index.js';
export type { Recipe } from '../models/recipe.js';
export {
  type DistillationSettings,
  defaultDistillation,
  distillation,
  type Position,
  type Reducer,
  type StepResult,
  type StepSettings,
  type Student,
  type Tally,
  type Teacher,
  type Teaching,
  type TrainDevice,
  Trainer,
  type TrainerOptions,
  type TrainerSnapshot,
} from '../train/index.js';
