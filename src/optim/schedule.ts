import { UserError } from '../common/errors.js';

/** A linear rise over the first steps of training: step s (from 0) of a warm-up of W steps gets (s + 1) / W of the rate. */
export interface WarmUp {
  readonly length: number;
  readonly unit: 'steps' | 'epochs';
}

interface Common {
  /** The highest learning rate. */
  readonly lr: number;
  readonly warmUp?: WarmUp;
}

export interface ConstantSchedule extends Common {
  readonly type: 'constant';
}

/** lr * gamma^epoch, epochs counted whole and from the start of training. POSTER V2's recipes: gamma 0.98. */
export interface ExponentialSchedule extends Common {
  readonly type: 'exponential';
  readonly gamma: number;
}

/** Half a cosine from lr to `minimum`, step by step, from the end of the warm-up to the end of training. */
export interface CosineSchedule extends Common {
  readonly type: 'cosine';
  readonly minimum: number;
}

/**
 * As `torch.optim.lr_scheduler.OneCycleLR` with cosine annealing: half a cosine up from lr / divFactor to lr over the
 * first `rise` of all steps, half a cosine down to lr / divFactor / finalDivFactor over the rest.
 */
export interface OneCycleSchedule extends Common {
  readonly type: 'one-cycle';
  readonly rise: number;
  readonly divFactor: number;
  readonly finalDivFactor: number;
}

export type Schedule = ConstantSchedule | ExponentialSchedule | CosineSchedule | OneCycleSchedule;

/** Where training is. */
export interface Progress {
  /** Optimizer steps made before this one. */
  readonly step: number;
  readonly stepsPerEpoch: number;
  /** Epochs that the whole training has. */
  readonly epochs: number;
}

export const constant = (lr: number): ConstantSchedule => ({ type: 'constant', lr });
/** The paper's: the learning rate falls by 2% an epoch. */
export const exponential = (lr: number, gamma = 0.98): ExponentialSchedule => ({ type: 'exponential', lr, gamma });
export const cosine = (lr: number, minimum = 0): CosineSchedule => ({ type: 'cosine', lr, minimum });
/** PyTorch's defaults. */
export const oneCycle = (lr: number): OneCycleSchedule => ({
  type: 'one-cycle',
  lr,
  rise: 0.3,
  divFactor: 25,
  finalDivFactor: 1e4,
});

/** Schedules by the names that settings of a run have for them. */
export const scheduleNames = ['exponential', 'cosine', 'one-cycle', 'constant'] as const;

/** What settings of a run say about its schedule. */
export interface ScheduleSettings {
  readonly schedule: (typeof scheduleNames)[number];
  readonly lr: number;
  /** Of the exponential one. */
  readonly gamma: number;
  /** In epochs; 0: none. */
  readonly warmUp: number;
}

export function scheduleOf({ schedule, lr, gamma, warmUp }: ScheduleSettings): Schedule {
  const schedules: Readonly<Record<ScheduleSettings['schedule'], Schedule>> = {
    exponential: exponential(lr, gamma),
    cosine: cosine(lr),
    'one-cycle': oneCycle(lr),
    constant: constant(lr),
  };
  return warmUp > 0 ? { ...schedules[schedule], warmUp: { length: warmUp, unit: 'epochs' } } : schedules[schedule];
}

/** A UserError if a number of the schedule is out of its range. */
export function checkSchedule(schedule: Schedule): void {
  within('learning rate', schedule.lr, schedule.lr >= 0, 'at least 0');
  if (schedule.warmUp !== undefined) {
    within('length of the warm-up', schedule.warmUp.length, schedule.warmUp.length >= 0, 'at least 0');
  }
  switch (schedule.type) {
    case 'constant':
      return;
    case 'exponential':
      within("schedule's gamma", schedule.gamma, schedule.gamma > 0 && schedule.gamma <= 1, 'above 0 and at most 1');
      return;
    case 'cosine':
      within(
        "schedule's minimum",
        schedule.minimum,
        schedule.minimum >= 0 && schedule.minimum <= schedule.lr,
        'at least 0 and at most the learning rate',
      );
      return;
    case 'one-cycle':
      within("schedule's rise", schedule.rise, schedule.rise >= 0 && schedule.rise <= 1, 'in [0, 1]');
      within("schedule's first divisor", schedule.divFactor, schedule.divFactor >= 1, 'at least 1');
      within("schedule's final divisor", schedule.finalDivFactor, schedule.finalDivFactor >= 1, 'at least 1');
  }
}

function within(what: string, value: number, holds: boolean, range: string): void {
  if (!holds || !Number.isFinite(value)) {
    throw new UserError(`The ${what} must be ${range}, not ${value}.`, 'usage');
  }
}

/** The learning rate of a step. Pure: a resumed training gets the rates that it would have had. */
export function learningRate(schedule: Schedule, progress: Progress): number {
  const { step, stepsPerEpoch } = progress;
  const warmUpSteps = stepsOf(schedule.warmUp, stepsPerEpoch);
  const rise = step < warmUpSteps ? (step + 1) / warmUpSteps : 1;
  return rise * withoutWarmUp(schedule, progress, warmUpSteps);
}

function stepsOf(warmUp: WarmUp | undefined, stepsPerEpoch: number): number {
  if (warmUp === undefined) return 0;
  return Math.round(warmUp.unit === 'steps' ? warmUp.length : warmUp.length * stepsPerEpoch);
}

function withoutWarmUp(schedule: Schedule, { step, stepsPerEpoch, epochs }: Progress, warmUpSteps: number): number {
  const steps = stepsPerEpoch * epochs;
  switch (schedule.type) {
    case 'constant':
      return schedule.lr;
    case 'exponential':
      return schedule.lr * schedule.gamma ** Math.floor(step / stepsPerEpoch);
    case 'cosine':
      return halfCosine(
        schedule.lr,
        schedule.minimum,
        Math.max(0, step - warmUpSteps) / Math.max(1, steps - warmUpSteps),
      );
    case 'one-cycle': {
      const first = schedule.lr / schedule.divFactor;
      // PyTorch counts positions: the top is at rise * steps - 1, the end at steps - 1.
      const top = schedule.rise * steps - 1;
      if (step <= top) return halfCosine(first, schedule.lr, step / top);
      return halfCosine(schedule.lr, first / schedule.finalDivFactor, (step - top) / (steps - 1 - top));
    }
  }
}

/** From `from` at 0 to `to` at 1, and there beyond (0/0 at an empty range counts as its beginning). */
function halfCosine(from: number, to: number, position: number): number {
  const x = Number.isNaN(position) ? 0 : Math.min(1, Math.max(0, position));
  return to + ((from - to) * (1 + Math.cos(Math.PI * x))) / 2;
}
