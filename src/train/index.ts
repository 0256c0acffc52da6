export type { TrainDevice } from './create-engine.js';
export {
  type DistillationSettings,
  defaultDistillation,
  distillation,
  type Student,
  type Teacher,
  type Teaching,
} from './distillation.js';
export type { Snapshot } from './engine.js';
export type { Reducer } from './reducer.js';
export {
  type Position,
  type StepResult,
  type StepSettings,
  type Tally,
  Trainer,
  type TrainerOptions,
  type TrainerSnapshot,
} from './trainer.js';
