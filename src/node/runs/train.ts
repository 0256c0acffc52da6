import {
  aBoolean,
  aList,
  aNumber,
  anObject,
  aText,
  checkOptions,
  type OptionRules,
  requireOptions,
} from '../../common/check-options.js';
import { closeAll } from '../../common/close-all.js';
import { withoutFolders } from '../../common/command-line.js';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { elements } from '../../graph/index.js';
import { lastFileName } from '../../safetensors/index.js';
import { firstValues } from '../../train/first-values.js';
import { trainingProgram } from '../../train/program.js';
import { targetOf } from '../../train/target.js';
import { Trainer } from '../../train/trainer.js';
import { loadTrainState } from '../checkpoints/index.js';
import { createLoader, type LoaderOptions } from '../datasets/index.js';
import { claimFolder } from '../files/folder-lock.js';
import { Communicator } from '../ranks/communicator.js';
import { single } from '../ranks/transport.js';
import type { History } from './history.js';
import { type InitReport, initialParameters } from './init.js';
import type { TrainJob, TrainListener, TrainResult } from './job.js';
import { runEpochs } from './loop.js';
import { decayRuleOf, learningRateOf, optimizerOf, parseRun, parseStoredRun, type RunOptions } from './options.js';
import { planOf } from './plan-files.js';
import { carryOver, checkData, checkSame, checkState, isOwnState, requireNoRun, requireNoWeights } from './resume.js';
import { noteClasses, noteVotes } from './run-data.js';
import { bestFileName, historyFileName, runFileName } from './run-document.js';
import { recordOf, sessionOf, writeRunFile } from './run-file.js';
import { augmentationOf, networkOf } from './run-network.js';
import type { RunPosition } from './run-position.js';
import { storeTemperature } from './run-temperature.js';
import { checkSavable, snapshotOf } from './save.js';
import { sharedSets } from './shared.js';
import { listData } from './shared-listing.js';
import { type Teachers, withTeachers } from './teachers.js';
import { checkShares, compareRanks, compareTeachers, sharesText, threadsFor } from './together.js';

/** What is within `run` is checked where it is parsed. */
const jobRules: OptionRules<TrainJob> = {
  run: anObject,
  out: aText,
  device: aText,
  init: aList,
  resume: aText,
  workers: aNumber,
  threads: aNumber,
  strict: aBoolean,
  saveEvery: aNumber,
  command: aText,
};

/**
 * Trains a network as `job.run` says, from its first step or from where `job.resume` stopped. Everything random
 * follows from the seed and the place in training, so that on the CPU with the same number of threads a resumed run
 * gives the same bits as one that never stopped.
 *
 * @param signal ends training after the step under way; the state is saved.
 * @throws UserError where another process writes into `job.out` or it holds another run, for unusable data, files or options, and (kind `diverged`) when the loss is not finite.
 */
export async function train(job: TrainJob, listener: TrainListener = {}, signal?: AbortSignal): Promise<TrainResult> {
  const { run, out, device, saveEvery, command } = jobRules;
  requireOptions<TrainJob>(job, { run, out, device, saveEvery, command }, 'train');
  checkOptions(job, jobRules, 'train');
  return trainTogether(job, new Communicator(single), listener, signal);
}

/**
 * The same by several ranks, each of which calls this with the same job: they train one network, and the first of them writes. On the
 * CPU with the same number of threads, N ranks give the bits of one that takes N micro-batches.
 * @throws UserError as `train` does, on all ranks: that of the first that fails
 */
export async function trainTogether(
  job: TrainJob,
  ranks: Communicator,
  listener: TrainListener = {},
  signal?: AbortSignal,
): Promise<TrainResult> {
  try {
    if (ranks.rank > 0) return await trainInto(job, ranks, listener, signal);
    const folder = await claimFolder(job.out, [lastFileName, bestFileName, historyFileName, runFileName]);
    try {
      if (job.resume === undefined) await requireNoWeights(job.out);
      else if (!isOwnState(job.resume, job.out)) await requireNoRun(job.out);
      return await trainInto(job, ranks, listener, signal);
    } finally {
      await folder.leave();
    }
  } catch (error) {
    await ranks.fail(error);
    throw error;
  }
}

async function trainInto(
  job: TrainJob,
  ranks: Communicator,
  listener: TrainListener,
  signal: AbortSignal | undefined,
): Promise<TrainResult> {
  const prepared = await prepare(job, ranks, listener);
  const { run, data, preprocessing, resumed } = prepared;
  checkShares(run, ranks);
  const weights = [prepared.parameters, prepared.from?.parameters, prepared.from?.optimizer, prepared.from?.averaged];
  const compared = { run, digest: prepared.digest, weights: weights.filter((arrays) => arrays !== undefined) };
  const local = await compareRanks(ranks, compared);
  if (ranks.size > 1) listener.onNote?.(sharesText(run, ranks));
  const own = local === 1 ? job : withThreads(job, threadsFor(local));
  const before = resumed && (resumed.state.teachers ?? []);
  return withTeachers(run, { labels: data.labels, preprocessing }, own, before, (teachers) =>
    trainPrepared(own, ranks, prepared, teachers, listener, signal),
  );
}

/** What one of several ranks on a machine has of its processors, unless it was said. */
const withThreads = (job: TrainJob, threads: number): TrainJob => ({
  threads,
  workers: Math.max(1, Math.min(4, Math.floor(threads / 2))),
  ...job,
});

/** What is read and checked before anything is trained; it leaves nothing behind. */
async function prepare(job: TrainJob, ranks: Communicator, listener: TrainListener) {
  const resumed = job.resume === undefined ? undefined : await loadTrainState(job.resume);
  const stored = resumed && parseStoredRun(resumed.state.config);
  const run = stored ? goingOn(stored, job.run) : parseRun(job.run);
  if (stored && stored.epochs !== run.epochs) await requireNoPlanFor(job.out);
  if (resumed) checkState(resumed, run, job.resume ?? '');
  const { data, digest } = await listData(run, ranks, resumed?.model.labels);
  const unsure = resumed && (await checkData(resumed, run, data, digest, job.resume ?? ''));
  if (unsure !== undefined) listener.onNote?.(unsure);
  for (const sentence of noteClasses(data)) listener.onNote?.(sentence);
  const votes = noteVotes(run, data.train);
  if (votes !== undefined) listener.onNote?.(votes, ['targets']);
  // It reads files of pictures; one rank does for all.
  const shared = ranks.rank === 0 ? await sharedSets(run, data) : [];
  if (shared.length > 0) listener.onShared?.(shared);
  const { network, preprocessing, description } = networkOf(run, data.labels);
  const program = trainingProgram(network, await targetOf(job.device));
  const init: InitReport[] = [];
  const from = resumed && snapshotOf(resumed);
  let parameters: Map<string, Float32Array> | undefined;
  if (from !== undefined) checkSame(program.parameters, from.parameters, job.resume ?? '');
  else {
    parameters = firstValues(program.parameters, run.seed);
    for (const source of job.init ?? []) {
      const report = await initialParameters(source, network.family, program.parameters, parameters, data.labels);
      listener.onInit?.(report);
      init.push(report);
    }
  }
  return { run, data, digest, network, preprocessing, description, program, parameters, resumed, from, init, shared };
}

/** @throws UserError (kind `usage`) where a folder is one of several runs, which are trained alike */
async function requireNoPlanFor(out: string): Promise<void> {
  const plan = await planOf(out);
  if (plan === undefined) return;
  throw new UserError(
    `${printable(out, 4096)} is a run of ${plan.what}, whose runs have the same number of epochs; leave that as it is, or go on in another folder.`,
    'usage',
    { settings: ['epochs', 'out'] },
  );
}

/** A stored run with what may be otherwise when it goes on. */
function goingOn(stored: RunOptions, { epochs, data, teacher }: RunOptions): RunOptions {
  return { ...stored, epochs, data, teacher: teacher.length > 0 ? teacher : stored.teacher };
}

async function trainPrepared(
  job: TrainJob,
  ranks: Communicator,
  prepared: Awaited<ReturnType<typeof prepare>>,
  teachers: Teachers,
  listener: TrainListener,
  signal: AbortSignal | undefined,
): Promise<TrainResult> {
  const { run, data, digest, network, preprocessing, description, program } = prepared;
  const { parameters, resumed, from, init, shared } = prepared;
  await compareTeachers(
    ranks,
    teachers.records.map(({ sha256 }) => sha256),
  );
  for (const sentence of teachers.notes) listener.onNote?.(sentence);
  const begun = withoutFolders(resumed?.model.training?.command ?? job.command);
  const record = await recordOf(begun, run, data, description, program, digest, teachers.records);
  checkSavable(record);
  const loading = {
    preprocessing,
    strict: job.strict,
    seed: run.seed,
    ...defined<LoaderOptions>({ workers: job.workers }),
  };
  const trainLoader = createLoader(data.train, {
    ...loading,
    batchSize: run.batchSize,
    augmentation: augmentationOf(run),
    targets: run.targets,
    labelSmoothing: run.labelSmoothing,
    mixing: { mixup: run.mixup, cutmix: run.cutmix },
    share: { rank: ranks.rank, size: ranks.size },
  });
  const valLoader = createLoader(data.validation, { ...loading, batchSize: Math.max(run.microBatch, 32) });
  const trainer = await Trainer.create({
    network,
    program,
    device: job.device,
    optimizer: optimizerOf(run),
    decay: decayRuleOf(run),
    learningRate: learningRateOf(run, trainLoader.batches),
    rho: run.rho,
    microBatch: run.microBatch,
    ema: run.ema,
    clip: run.clip,
    seed: run.seed,
    reducer: ranks,
    ...defined({ threads: job.threads, from, parameters }),
  });
  try {
    // Not before: what fails until here leaves nothing behind.
    const best = resumed?.state.best;
    const isFirst = ranks.rank === 0;
    const hasBest = isFirst && resumed !== undefined && (await carryOver(job.resume ?? '', job.out, best));
    if (resumed && resumed.state.epoch >= run.epochs) {
      listener.onNote?.(
        `${run.epochs === 1 ? 'The one epoch is' : `All ${run.epochs} epochs are`} finished: nothing is trained. Give more epochs to go on.`,
        ['epochs'],
      );
    }
    if (isFirst) await writeRunFile(job.out, record, data, init, sessionOf(job, ranks, record.commit, resumed?.state));
    const context = {
      job,
      record,
      run,
      trainer,
      trainLoader,
      teach: teachers.teach,
      valLoader,
      listener,
      ranks,
    };
    const began = ({ epoch, step }: Readonly<RunPosition>, history: History): void =>
      listener.onStart?.({
        device: job.device,
        trainSamples: data.train.samples.length,
        valSamples: data.validation.samples.length,
        parameters: [...program.trained.values()].reduce((sum, shape) => sum + elements(shape), 0),
        batches: trainLoader.batches,
        epochsLeft: run.epochs - epoch,
        labels: data.labels.labels,
        step,
        history: history.events,
      });
    const result = await runEpochs(context, resumed?.state, hasBest, signal, began);
    const isEnd = isFirst && !result.interrupted;
    const { temperature, skipped } = await storeTemperature(
      isEnd ? result.bestCheckpoint : null,
      data,
      job,
      run,
      listener,
    );
    const all = [...result.skipped, ...skipped.map(({ path, reason }) => ({ path, reason }))];
    return { ...result, skipped: all, temperature, init, shared };
  } finally {
    await closeAll(
      () => trainLoader.close(),
      () => valLoader.close(),
      () => trainer.dispose(),
    );
  }
}
