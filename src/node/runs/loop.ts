import { join } from 'node:path';
import { UserError } from '../../common/errors.js';
import type { Batch } from '../../image/index.js';
import { type Evaluation, measuredFigures } from '../../metrics/index.js';
import { allFinite, lastFileName, type TrainState } from '../../safetensors/index.js';
import type { Snapshot } from '../../train/engine.js';
import type { Trainer } from '../../train/trainer.js';
import { type Loader, noneReadable, type Skipped } from '../datasets/index.js';
import type { Communicator } from '../ranks/communicator.js';
import { type History, openHistory } from './history.js';
import type { EpochSummary, TrainJob, TrainListener, TrainResult } from './job.js';
import type { RunOptions } from './options.js';
import { isOwnState } from './resume.js';
import { bestFileName, historyFileName } from './run-document.js';
import {
  addSkipped,
  addStep,
  isBehind,
  missingEpochs,
  nextEpoch,
  positionOf,
  type RunPosition,
  secondsOf,
} from './run-position.js';
import { type RunRecord, saveBest, saveState } from './save.js';
import { agreed, allSkipped } from './together.js';

export interface LoopContext {
  readonly job: Pick<TrainJob, 'out' | 'resume' | 'saveEvery'>;
  readonly run: RunOptions;
  readonly record: RunRecord;
  readonly trainer: Trainer;
  readonly trainLoader: Loader;
  /** What becomes of training batches before they are learned: teachers have a share in their targets. */
  readonly teach: (batches: AsyncIterable<Batch>) => AsyncIterable<Batch>;
  readonly valLoader: Loader;
  readonly listener: TrainListener;
  /** Those that train together; the first of them alone writes. */
  readonly ranks: Communicator;
}

/**
 * Trains from a stored state (or from the beginning) to the last epoch, or until the signal. The run's folder must be
 * this process's own.
 * @param hasBest whether the run's folder has the weights of the stored state's best epoch
 * @param began called once training is about to begin, with what the history tells of the time before
 */
export async function runEpochs(
  context: LoopContext,
  state: TrainState | undefined,
  hasBest: boolean,
  signal: AbortSignal | undefined,
  began: (at: Readonly<RunPosition>, history: History) => void = () => undefined,
): Promise<Omit<TrainResult, 'temperature' | 'init' | 'shared'>> {
  const { job, run, ranks } = context;
  const at = positionOf(state, hasBest);
  // In a folder of its own the state is at home from the start, whatever comes.
  if (job.resume !== undefined && !isOwnState(job.resume, job.out)) await save(context, at);
  const history =
    ranks.rank === 0
      ? await openHistory(join(job.out, historyFileName), (event) => isBehind(event, at))
      : unwrittenHistory;
  try {
    if (ranks.rank === 0) {
      await restoreBest(context, at, history);
      noteMissing(context, at, history);
    }
    await history.append({ event: state ? 'resume' : 'start', epoch: at.epoch, step: at.step, run });
    began(at, history);
    let interrupted = false;
    while (at.epoch < run.epochs && !interrupted) interrupted = await runEpoch(context, at, history, signal);
    const skipped = [
      ...(await allSkipped(ranks, context.trainLoader.skipped)),
      ...(await allSkipped(ranks, context.valLoader.skipped)),
    ];
    return {
      bestEpoch: at.best ? at.best.epoch + 1 : 0,
      bestAccuracy: at.best?.value ?? 0,
      bestCheckpoint: at.hasBest ? join(job.out, bestFileName) : null,
      lastCheckpoint: join(job.out, lastFileName),
      epochs: at.epoch,
      interrupted,
      skipped: skipped.map(({ path, reason }) => ({ path, reason })),
    };
  } finally {
    await history.close();
  }
}

/** A run that was killed before it wrote the weights of the best epoch has them still where that epoch was its last. */
async function restoreBest(context: LoopContext, at: RunPosition, history: History): Promise<void> {
  const { best } = at;
  if (best === undefined || at.hasBest || best.epoch !== at.epoch - 1 || at.nextBatch > 0) return;
  const line = history.events.findLast(({ event, epoch }) => event === 'epoch' && epoch === at.epoch);
  const metrics = {
    accuracy: line?.['valAccuracy'],
    meanClassAccuracy: line?.['valMeanClassAccuracy'],
    macroF1: line?.['valMacroF1'],
    crossEntropy: line?.['valLoss'],
    [best.metric]: best.value,
  };
  await saveBest(context.job.out, context.record, await finite(context.trainer, at), at.epoch, numbersOf(metrics));
  at.hasBest = true;
}

/** What a resumed run's folder should hold, and does not. */
function noteMissing({ job, listener }: LoopContext, at: RunPosition, history: History): void {
  if (at.best !== undefined && !at.hasBest) {
    listener.onNote?.(
      `Note: the weights of the best epoch so far, ${at.best.epoch + 1}, are not beside the state that the run resumes ` +
        `from; ${bestFileName} will be written when an epoch is better.`,
    );
  }
  const missing = missingEpochs(history.events, at);
  const [first] = missing;
  if (first === undefined) return;
  const which =
    missing.length === 1
      ? `epoch ${first}`
      : `${missing.length} of the ${at.epoch} epochs so far, the first is ${first}`;
  listener.onNote?.(
    `Note: ${join(job.out, historyFileName)} does not tell ${which}: reports will lack them. Was it removed or edited?`,
  );
}

/** The rest of one epoch. @returns whether the signal ended it; the state is saved in either case. */
async function runEpoch(
  context: LoopContext,
  at: RunPosition,
  history: History,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { job, run, trainer, trainLoader, listener, ranks } = context;
  const progress = meter(trainLoader.batches, run, at);
  let lastSave = performance.now();
  const batches = context.teach(
    trainLoader.epoch(at.epoch, { order: run.sampling, fromBatch: at.nextBatch, empty: ranks.size > 1 }),
  );
  for await (const { loss, learningRate: lr, nextBatch, step, tally } of trainer.train(batches)) {
    addStep(at, { nextBatch, step }, tally);
    listener.onStep?.({ ...progress(tally.samples, at), step, loss, lr });
    const due = performance.now() - lastSave > job.saveEvery * 1000;
    const { stop, save: saves } = await agreed(ranks, { stop: signal?.aborted === true, save: due });
    if (stop || saves) await save(context, at);
    if (stop) return true;
    if (saves) lastSave = performance.now();
  }
  await finishEpoch(context, at, history);
  return false;
}

/**
 * Measures an epoch and saves the run. The order makes every moment one to be killed in: the history's line, the state that
 * counts the epoch as finished, then the best weights, which that state holds too.
 */
async function finishEpoch(context: LoopContext, at: RunPosition, history: History): Promise<void> {
  const { trainer, job, record, trainLoader, listener, valLoader, ranks } = context;
  const isFirst = ranks.rank === 0;
  const skipped = await allSkipped(ranks, trainLoader.skipped);
  if (at.epochSteps === 0) throw nothingReadIn(trainLoader, skipped);
  // Whole batches, so that the network sees them as one rank shows them.
  const share = Math.ceil(valLoader.batches / ranks.size);
  const own = { fromBatch: ranks.rank * share, toBatch: (ranks.rank + 1) * share, empty: ranks.size > 1 };
  const scores = await trainer.evaluate(valLoader.epoch(0, own));
  if (scores.samples === 0) throw nothingReadIn(valLoader, await allSkipped(ranks, valLoader.skipped));
  const snapshot = await finite(trainer, at);
  const figures = measuredFigures(scores);
  const value = figures.accuracy;
  const best = at.best === undefined || value > at.best.value;
  const { tally, epochSteps, step } = at;
  const summary: EpochSummary = {
    epoch: at.epoch + 1,
    step,
    trainLoss: tally.loss / tally.samples,
    trainAccuracy: tally.correct / tally.samples,
    valLoss: figures.crossEntropy,
    valAccuracy: value,
    valMeanClassAccuracy: figures.meanClassAccuracy,
    valMacroF1: figures.macroF1,
    valEce: figures.ece,
    lrStart: trainer.learningRate(step - epochSteps),
    lr: trainer.learningRate(epochSteps > 0 ? step - 1 : step),
    seconds: secondsOf(at),
    best,
  };
  addSkipped(at, skipped);
  const { confusion, calibration } = scores;
  const details = { confusion, ...(best ? { calibration } : {}) };
  await history.commit({ event: 'epoch', ...summary, skipped: at.skipped.size, ...details });
  nextEpoch(at);
  if (best) {
    at.best = { epoch: at.epoch - 1, metric: 'accuracy', value };
    at.hasBest = false;
  }
  if (isFirst) await saveState(job.out, record, snapshot, at);
  if (best && isFirst) {
    await saveBest(job.out, record, snapshot, at.epoch, numbersOf(storedFigures(scores)));
    at.hasBest = true;
  }
  listener.onEpoch?.(summary, scores);
}

const storedFigures = ({
  accuracy,
  meanClassAccuracy,
  macroF1,
  crossEntropy,
}: Evaluation): Record<string, unknown> => ({
  accuracy,
  meanClassAccuracy,
  macroF1,
  crossEntropy,
});

/** Those that are defined and finite: what is not cannot be stored. */
function numbersOf(figures: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).flatMap(([name, value]) => (Number.isFinite(value) ? [[name, Number(value)]] : [])),
  );
}

async function save({ job, record, trainer, trainLoader, ranks }: LoopContext, at: RunPosition): Promise<void> {
  addSkipped(at, await allSkipped(ranks, trainLoader.skipped));
  const snapshot = await finite(trainer, at);
  if (ranks.rank === 0) await saveState(job.out, record, snapshot, at);
}

/** What one loader says by itself, of several that have nothing in their shares. */
function nothingReadIn({ dataset: { samples, root, split } }: Loader, skipped: readonly Skipped[]): UserError {
  return noneReadable(samples.length, join(root, split), skipped);
}

/** Of ranks that write nothing. */
const unwrittenHistory: History = {
  events: [],
  append: () => Promise.resolve(),
  commit: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** A snapshot that is worth keeping: a diverged one must not replace the last good one. */
async function finite(trainer: Trainer, at: RunPosition): Promise<Snapshot> {
  const snapshot = await trainer.snapshot();
  for (const [name, values] of snapshot.parameters) {
    if (allFinite(values)) continue;
    throw new UserError(
      `The weights of ${name} are no longer finite numbers (after step ${at.step}), and the checkpoints of before are ` +
        'whole; lower the learning rate or add epochs of warm-up.',
      'diverged',
      { settings: ['lr', 'warmUp'] },
    );
  }
  return snapshot;
}

/** Speed and time left, averaged over the last steps. */
function meter(batches: number, run: RunOptions, from: RunPosition) {
  let before = performance.now();
  let secondsPerImage: number | undefined;
  return (size: number, at: RunPosition) => {
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
