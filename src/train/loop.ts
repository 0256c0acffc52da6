import { join } from 'node:path';
import { lastFileName, type TrainState } from '../checkpoints/index.js';
import { ExitCode, UserError } from '../common/errors.js';
import type { Loader } from '../data/index.js';
import { type Evaluation, type History, openHistory } from '../metrics/index.js';
import { learningRate, type Schedule } from '../optim/index.js';
import type { Engine, Snapshot } from './engine.js';
import { evaluateWith, type Tally, trainStep } from './epoch.js';
import { type RunOptions, scheduleOf } from './options.js';
import { historyFileName, isOwnState } from './resume.js';
import { bestFileName, type Position, type RunRecord, saveBest, saveState } from './save.js';
import type { EpochSummary, TrainJob, TrainListener, TrainResult } from './train.js';

export interface LoopContext {
  readonly job: TrainJob;
  readonly run: RunOptions;
  readonly record: RunRecord;
  readonly engine: Engine;
  readonly trainLoader: Loader;
  readonly valLoader: Loader;
  readonly listener: TrainListener;
}

interface Where {
  epoch: number;
  nextBatch: number;
  step: number;
  tally: Tally;
  best: TrainState['best'];
  /** Whether the run's folder has the weights of `best`. */
  hasBest: boolean;
}

/**
 * Trains from a stored state (or from the beginning) to the last epoch, or until the signal.
 * @param hasBest whether the run's folder has the weights of the stored state's best epoch
 */
export async function runEpochs(
  context: LoopContext,
  state: TrainState | undefined,
  hasBest: boolean,
  signal: AbortSignal | undefined,
): Promise<Omit<TrainResult, 'init' | 'shared'>> {
  const { job, record, run } = context;
  const at = whereOf(state, hasBest);
  // In a folder of its own the state is at home from the start, whatever comes.
  if (job.resume !== undefined && !isOwnState(job.resume, job.out)) await save(context, record, at);
  const history = await openHistory(join(job.out, historyFileName), (event) => isBefore(event, at));
  try {
    await history.append({ event: state ? 'resume' : 'start', epoch: at.epoch, step: at.step, run });
    let interrupted = false;
    while (at.epoch < run.epochs && !interrupted) {
      interrupted = await runEpoch(context, record, at, history, signal);
    }
    return {
      bestEpoch: at.best ? at.best.epoch + 1 : 0,
      bestAccuracy: at.best?.value ?? 0,
      bestCheckpoint: at.hasBest ? join(job.out, bestFileName) : null,
      lastCheckpoint: join(job.out, lastFileName),
      epochs: at.epoch,
      interrupted,
      skipped: [...context.trainLoader.skipped, ...context.valLoader.skipped].map(({ path, reason }) => ({
        path,
        reason,
      })),
    };
  } finally {
    await history.close();
  }
}

function whereOf(state: TrainState | undefined, hasBest: boolean): Where {
  const { loss, correct, samples } = state?.accumulators ?? {};
  return {
    epoch: state?.epoch ?? 0,
    nextBatch: state?.nextBatch ?? 0,
    step: state?.step ?? 0,
    tally: { loss: Number(loss ?? 0), correct: Number(correct ?? 0), samples: Number(samples ?? 0) },
    best: state?.best,
    hasBest,
  };
}

/** Events that a resumed run will not repeat. */
function isBefore(event: Readonly<Record<string, unknown>>, at: Where): boolean {
  return typeof event['step'] === 'number' && event['step'] <= at.step;
}

/** The rest of one epoch. @returns whether the signal ended it; the state is saved in either case. */
async function runEpoch(
  context: LoopContext,
  record: RunRecord,
  at: Where,
  history: History,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { engine, job, run, trainLoader, listener } = context;
  const started = performance.now();
  const schedule = scheduleOf(run);
  const progress = meter(trainLoader.batches, run, at);
  let lastSave = started;
  let lr = 0;
  for await (const batch of trainLoader.epoch(at.epoch, { order: run.sampling, fromBatch: at.nextBatch })) {
    lr = rate(schedule, at.step, trainLoader.batches, run.epochs);
    const loss = await trainStep(engine, batch, at.tally, {
      classes: record.description.labels.labels.length,
      microBatch: run.microBatch,
      rho: run.rho,
      learningRate: lr,
      seed: run.seed,
      epoch: at.epoch,
      masks: record.program.masks,
    });
    at.step++;
    at.nextBatch = batch.index + 1;
    listener.onStep?.({ ...progress(batch.size, at), loss, lr });
    if (signal?.aborted) {
      await save(context, record, at);
      return true;
    }
    if (performance.now() - lastSave > job.saveEvery * 1000) {
      await save(context, record, at);
      lastSave = performance.now();
    }
  }
  return finishEpoch(context, record, at, history, lr, started);
}

async function finishEpoch(
  context: LoopContext,
  record: RunRecord,
  at: Where,
  history: History,
  lr: number,
  started: number,
): Promise<boolean> {
  const { engine, job, run, trainLoader, listener, valLoader } = context;
  // The rate of the epoch's first step: with that of the last, `lr`, its curve can be drawn.
  const lrStart = rate(scheduleOf(run), at.step - trainLoader.batches, trainLoader.batches, run.epochs);
  const scores = await evaluateWith((images, n) => engine.logits(images, n), valLoader);
  const value = scores.accuracy ?? 0;
  const best = at.best === undefined || value > at.best.value;
  const { tally } = at;
  const summary: EpochSummary = {
    epoch: at.epoch + 1,
    trainLoss: tally.loss / tally.samples,
    trainAccuracy: tally.correct / tally.samples,
    valLoss: scores.crossEntropy ?? 0,
    valAccuracy: value,
    valMeanClassAccuracy: scores.meanClassAccuracy ?? 0,
    lr,
    seconds: (performance.now() - started) / 1000,
    best,
  };
  if (best) {
    at.best = { epoch: at.epoch, metric: 'accuracy', value };
    const snapshot = await finite(engine, at);
    await saveBest(job.out, record, snapshot, at.epoch + 1, figures(scores));
    at.hasBest = true;
  }
  at.epoch++;
  at.nextBatch = 0;
  at.tally = { loss: 0, correct: 0, samples: 0 };
  await save(context, record, at);
  const { macroF1, confusion, calibration } = scores;
  await history.commit({
    event: 'epoch',
    step: at.step,
    ...summary,
    lrStart,
    valMacroF1: macroF1,
    skipped: trainLoader.skipped.length,
    confusion,
    ...(best ? { calibration } : {}),
  });
  listener.onEpoch?.(summary);
  return false;
}

function figures(scores: Evaluation): Record<string, number> {
  const { accuracy, meanClassAccuracy, macroF1, crossEntropy } = scores;
  const all = Object.entries({ accuracy, meanClassAccuracy, macroF1, crossEntropy });
  return Object.fromEntries(
    all.flatMap(([name, value]) => (value !== null && Number.isFinite(value) ? [[name, value]] : [])),
  );
}

function rate(schedule: Schedule, step: number, stepsPerEpoch: number, epochs: number): number {
  return learningRate(schedule, { step, stepsPerEpoch, epochs });
}

async function save(context: LoopContext, record: RunRecord, at: Where): Promise<void> {
  const { epoch, nextBatch, step, best, tally } = at;
  const position: Position = { epoch, nextBatch, step, best, accumulators: { ...tally } };
  await saveState(context.job.out, record, await finite(context.engine, at), position);
}

/** A snapshot that is worth keeping: a diverged one must not replace the last good one. */
async function finite(engine: Engine, at: Where): Promise<Snapshot> {
  const snapshot = await engine.snapshot();
  for (const [name, values] of snapshot.parameters) {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += (values[i] as number) * 0;
    if (sum === 0) continue;
    throw new UserError(
      `The weights of ${name} are no longer finite numbers (after step ${at.step}); lower --lr or add --warm-up. ` +
        'The checkpoints of before are whole.',
      ExitCode.diverged,
    );
  }
  return snapshot;
}

/** Speed and time left, averaged over the last steps. */
function meter(batches: number, run: RunOptions, from: Where) {
  let before = performance.now();
  let secondsPerImage: number | undefined;
  return (size: number, at: Where) => {
    const now = performance.now();
    const current = (now - before) / 1000 / size;
    before = now;
    secondsPerImage = secondsPerImage === undefined ? current : 0.9 * secondsPerImage + 0.1 * current;
    const left = (run.epochs - at.epoch) * batches - at.nextBatch;
    return {
      epoch: from.epoch + 1,
      epochs: run.epochs,
      batch: at.nextBatch,
      batches,
      imagesPerSecond: 1 / secondsPerImage,
      secondsLeft: left * run.batchSize * secondsPerImage,
    };
  };
}
