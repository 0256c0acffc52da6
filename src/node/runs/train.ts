import { random } from '../../common/random.js';
import { elements } from '../../graph/index.js';
import type { Evaluation } from '../../metrics/index.js';
import type { ParameterSpec } from '../../nn/index.js';
import { initialize } from '../../nn/index.js';
import { createEngine, type TrainDevice } from '../../train/create-engine.js';
import { trainingProgram } from '../../train/program.js';
import { targetOf } from '../../train/target.js';
import { lastFileName, loadTrainState } from '../checkpoints/index.js';
import { createLoader } from '../datasets/index.js';
import { claimFolder } from '../files/folder-lock.js';
import { noteClasses, noteVotes, openData } from './data.js';
import { digestOf } from './data-digest.js';
import type { History, HistoryEvent } from './history.js';
import { type InitReport, type InitSource, initialParameters } from './init.js';
import { runEpochs } from './loop.js';
import { augmentationOf, networkOf } from './network.js';
import { decayRuleOf, optimizerOf, parseRun, parseStoredRun, type RunOptions } from './options.js';
import { carryOver, checkData, checkSame, checkState, historyFileName, isOwnState, requireNoRun } from './resume.js';
import { recordOf, runFileName, sessionOf, writeRunFile } from './run-file.js';
import type { RunPosition } from './run-position.js';
import { bestFileName, checkSavable, restored } from './save.js';
import { type SharedSet, sharedSets } from './shared.js';

export interface TrainJob {
  /** With `resume`, what the checkpoint holds counts; only `epochs` and the folder of the data may differ. */
  readonly run: RunOptions;
  /**
   * Folder for `last.safetensors`, `best.safetensors`, `metrics.jsonl` and `run.json`. It is made where there is none, and
   * locked while the run goes on.
   */
  readonly out: string;
  readonly device: TrainDevice;
  /** Weights to begin with, taken by name and shape; of files that hold the same, the last counts. */
  readonly init?: readonly InitSource[];
  /** A `last.safetensors` to go on from. */
  readonly resume?: string;
  readonly workers?: number;
  readonly threads?: number;
  readonly strict: boolean;
  /** Seconds between saves within an epoch; every epoch ends with one. */
  readonly saveEvery: number;
  /** Command line, kept with the weights. */
  readonly command: string;
}

export interface StepProgress {
  /** Updates made so far, of all epochs. */
  readonly step: number;
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  readonly batches: number;
  /** Mean cross-entropy of the batch, in nats. */
  readonly loss: number;
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
  readonly lr: number;
}

export interface EpochSummary {
  /** From 1. */
  readonly epoch: number;
  /** Updates made until its end. */
  readonly step: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
  readonly valMeanClassAccuracy: number;
  readonly valMacroF1: number;
  /** Expected calibration error, a fraction. */
  readonly valEce: number;
  /** Learning rate of the epoch's first update; with that of the last, `lr`, its curve can be drawn. */
  readonly lrStart: number;
  readonly lr: number;
  /** With its evaluation, over all processes that trained it. */
  readonly seconds: number;
  readonly best: boolean;
}

export interface TrainListener {
  /** Everything is ready, and training is about to begin. */
  onStart?(info: {
    readonly device: string;
    readonly trainSamples: number;
    readonly valSamples: number;
    /** Trained ones. */
    readonly parameters: number;
    readonly batches: number;
    readonly labels: readonly string[];
    /** Updates made before: 0 unless the run goes on. */
    readonly step: number;
    /** Lines of the history so far, those of finished epochs among them. */
    readonly history: readonly HistoryEvent[];
  }): void;
  onStep?(progress: StepProgress): void;
  /** An epoch is finished and saved. */
  onEpoch?(summary: EpochSummary, validation: Evaluation): void;
  /** A file's weights were taken to begin with. */
  onInit?(report: InitReport): void;
  /** Training pictures are where they should be new: told before training, once. */
  onShared?(shared: readonly SharedSet[]): void;
  /** A sentence about the run that does not follow from its options alone. */
  onNote?(sentence: string): void;
}

export interface TrainResult {
  /** From 1; 0: no epoch was finished. */
  readonly bestEpoch: number;
  readonly bestAccuracy: number;
  /** Null: there are no weights of the best epoch, because none was finished or those of before were not there. */
  readonly bestCheckpoint: string | null;
  readonly lastCheckpoint: string;
  /** Epochs finished. */
  readonly epochs: number;
  readonly interrupted: boolean;
  /** What became of the files that the run began with. */
  readonly init: readonly InitReport[];
  /** Training pictures that are among the validation pictures or in another split too. */
  readonly shared: readonly SharedSet[];
  /** Pictures that could not be read, and why. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * Trains a network as `job.run` says, from its first step or from where `job.resume` stopped. Everything random
 * follows from the seed and the place in training, so that on the CPU with the same number of threads a resumed run
 * gives the same bits as one that never stopped.
 *
 * @param signal ends training after the step under way; the state is saved.
 * @throws UserError where another process writes into `job.out` or it holds another run, for unusable data, files or options, and (kind `diverged`) when the loss is not finite.
 */
export async function train(job: TrainJob, listener: TrainListener = {}, signal?: AbortSignal): Promise<TrainResult> {
  const folder = await claimFolder(job.out, [lastFileName, bestFileName, historyFileName, runFileName]);
  try {
    if (job.resume === undefined || !isOwnState(job.resume, job.out)) await requireNoRun(job.out);
    return await trainInto(job, listener, signal);
  } finally {
    await folder.leave();
  }
}

async function trainInto(
  job: TrainJob,
  listener: TrainListener,
  signal: AbortSignal | undefined,
): Promise<TrainResult> {
  const resumed = job.resume === undefined ? undefined : await loadTrainState(job.resume);
  const stored = resumed && parseStoredRun(resumed.state.config);
  const run = stored ? { ...stored, epochs: job.run.epochs, data: job.run.data } : parseRun(job.run);
  if (resumed) checkState(resumed, run, job.resume ?? '');
  const data = await openData(run, resumed?.model.labels);
  const digest = await digestOf(data, run.targets);
  const unsure = resumed && (await checkData(resumed, run, data, digest, job.resume ?? ''));
  if (unsure !== undefined) listener.onNote?.(unsure);
  for (const sentence of noteClasses(data)) listener.onNote?.(sentence);
  const votes = noteVotes(run, data.train);
  if (votes !== undefined) listener.onNote?.(votes);
  const shared = await sharedSets(run, data);
  if (shared.length > 0) listener.onShared?.(shared);
  const network = networkOf(run, data.labels);
  const program = trainingProgram(network.config, await targetOf(job.device));
  const init: InitReport[] = [];
  const first = resumed
    ? new Map([...resumed.model.parameters].map(([name, { data: values }]) => [name, values]))
    : firstValues(run, program.parameters);
  for (const source of resumed ? [] : (job.init ?? [])) {
    const report = await initialParameters(source, program.parameters, first, data.labels);
    listener.onInit?.(report);
    init.push(report);
  }
  if (resumed) checkSame(program.parameters, first, job.resume ?? '');
  const record = await recordOf(job, run, data, network.description, program, digest);
  checkSavable(record);
  const engine = await createEngine(job.device, {
    config: network.config,
    program,
    optimizer: optimizerOf(run),
    decay: decayRuleOf(run),
    ema: run.ema,
    clip: run.clip,
    parameters: first,
    ...(job.threads === undefined ? {} : { threads: job.threads }),
    ...(resumed ? { restore: restored(resumed.state) } : {}),
  });
  const loading = {
    preprocessing: network.preprocessing,
    strict: job.strict,
    seed: run.seed,
    ...(job.workers === undefined ? {} : { workers: job.workers }),
  };
  const trainLoader = createLoader(data.train, {
    ...loading,
    batchSize: run.batchSize,
    augmentation: augmentationOf(run),
    targets: run.targets,
  });
  const valLoader = createLoader(data.validation, { ...loading, batchSize: Math.max(run.microBatch, 32) });
  try {
    // Not before: what fails until here leaves nothing behind.
    const best = resumed?.state.best;
    const hasBest = resumed !== undefined && (await carryOver(job.resume ?? '', job.out, best));
    if (resumed && resumed.state.epoch >= run.epochs) {
      listener.onNote?.(`All ${run.epochs} epochs are finished: nothing is trained. Give more --epochs to go on.`);
    }
    await writeRunFile(job.out, record, data, init, sessionOf(job, record.commit, resumed?.state));
    const context = {
      job,
      record,
      run,
      engine,
      trainLoader,
      valLoader,
      listener,
    };
    const began = ({ step }: Readonly<RunPosition>, history: History): void =>
      listener.onStart?.({
        device: job.device,
        trainSamples: data.train.samples.length,
        valSamples: data.validation.samples.length,
        parameters: [...program.trained.values()].reduce((sum, shape) => sum + elements(shape), 0),
        batches: trainLoader.batches,
        labels: data.labels.labels,
        step,
        history: history.events,
      });
    return { ...(await runEpochs(context, resumed?.state, hasBest, signal, began)), init, shared };
  } finally {
    await trainLoader.close();
    await valLoader.close();
    await engine.dispose();
  }
}

/** Everything random here follows from the seed and the name. */
function firstValues(run: RunOptions, specs: ReadonlyMap<string, ParameterSpec>): Map<string, Float32Array> {
  return new Map([...specs].map(([name, spec]) => [name, initialize(spec, random(run.seed, 'init', name))]));
}
