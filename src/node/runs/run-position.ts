import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { describeZodError } from '../../common/json.js';
import type { TrainState } from '../../safetensors/index.js';
import type { Tally } from '../../train/trainer.js';
import type { Skipped } from '../datasets/index.js';
import type { HistoryEvent } from './history.js';

/** Where a run has got to. */
export interface RunPosition {
  /** Epochs that are finished. */
  epoch: number;
  /** Of the epoch under way, the batch to train on next. */
  nextBatch: number;
  /** Updates made. */
  step: number;
  /** Of these, those of the epoch under way: fewer than batches where no picture of a batch could be read. */
  epochSteps: number;
  tally: Tally;
  /** What the epoch under way had taken when the run was saved, in seconds, and when this process went on with it. */
  secondsBefore: number;
  since: number;
  /** Training pictures that could not be read, by index. */
  skipped: Set<number>;
  best: TrainState['best'];
  /** Whether the run's folder has the weights of `best`. */
  hasBest: boolean;
}

/** What of a position is summed up within an epoch, as states keep it; states of early versions keep less. */
const accumulatorsSchema = z.object({
  loss: z.number().default(0),
  correct: z.number().default(0),
  samples: z.number().default(0),
  steps: z.number().exactOptional(),
  seconds: z.number().default(0),
  skipped: z.array(z.number()).default([]),
});

/**
 * @param state undefined: the beginning
 * @throws UserError where the state's sums are not those of a run.
 */
export function positionOf(state: TrainState | undefined, hasBest: boolean): RunPosition {
  const { epoch = 0, nextBatch = 0, step = 0, best } = state ?? {};
  const parsed = accumulatorsSchema.safeParse(state?.accumulators ?? {});
  if (!parsed.success) {
    throw new UserError(
      `The stored state cannot be gone on with (${describeZodError(parsed.error)}); resume from another checkpoint.`,
    );
  }
  const { steps = nextBatch, seconds, skipped, ...tally } = parsed.data;
  return {
    ...{ epoch, nextBatch, step, best, hasBest, tally },
    epochSteps: steps,
    secondsBefore: seconds,
    since: performance.now(),
    skipped: new Set(skipped),
  };
}

/** What the epoch under way has taken so far. */
export const secondsOf = (at: RunPosition): number => at.secondsBefore + (performance.now() - at.since) / 1000;

export function accumulatorsOf(at: RunPosition): Required<z.infer<typeof accumulatorsSchema>> {
  return { ...at.tally, steps: at.epochSteps, seconds: secondsOf(at), skipped: [...at.skipped].sort((a, b) => a - b) };
}

export function addSkipped(at: RunPosition, skipped: readonly Skipped[]): void {
  for (const { index } of skipped) at.skipped.add(index);
}

/** Counts an update. */
export function addStep(
  at: RunPosition,
  { nextBatch, step }: Pick<RunPosition, 'nextBatch' | 'step'>,
  own: Tally,
): void {
  at.nextBatch = nextBatch;
  at.step = step;
  at.epochSteps++;
  const { loss, correct, samples } = at.tally;
  at.tally = { loss: loss + own.loss, correct: correct + own.correct, samples: samples + own.samples };
}

/** Goes on to the next epoch. */
export function nextEpoch(at: RunPosition): void {
  at.epoch++;
  at.nextBatch = 0;
  at.epochSteps = 0;
  at.tally = { loss: 0, correct: 0, samples: 0 };
  at.secondsBefore = 0;
  at.since = performance.now();
}

/**
 * Whether a run that goes on from here keeps an event of its history. An epoch's line is written before the state that
 * counts it as finished, so that no kill can lose it; one that the state does not count will come again.
 */
export function isBehind(event: HistoryEvent, at: RunPosition): boolean {
  const { epoch, step } = event;
  if (event.event === 'epoch') return typeof epoch === 'number' && epoch <= at.epoch;
  return typeof step === 'number' && step <= at.step;
}

/** Finished epochs, from 1, that a history does not tell. */
export function missingEpochs(events: readonly HistoryEvent[], at: RunPosition): number[] {
  const recorded = new Set(events.filter(({ event }) => event === 'epoch').map(({ epoch }) => epoch));
  return Array.from({ length: at.epoch }, (_, i) => i + 1).filter((epoch) => !recorded.has(epoch));
}
