import type { Command } from 'commander';
import * as z from 'zod';
import { quoted } from '../common/command-line.js';
import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import { Communicator } from '../node/ranks/communicator.js';
import { single } from '../node/ranks/transport.js';
import { withEvents } from '../node/report/training-events.js';
import type { InitSource } from '../node/runs/init.js';
import type { EpochSummary, TrainJob, TrainResult } from '../node/runs/job.js';
import { parseRun, type RunOptions } from '../node/runs/options.js';
import { type ResolvedRun, resolveRun } from '../node/runs/resolve-run.js';
import { trainTogether } from '../node/runs/train.js';
import type { ChosenDevice, DeviceName } from '../runtime/index.js';
import { numberOf } from './arguments.js';
import { deviceOption, gpuOption, labelSetNames, positive } from './checkpoint-options.js';
import { note, noteSkipped } from './context.js';
import { initArgument, initLabelsArgument } from './init-options.js';
import { flagOf } from './settings.js';
import { trainingProgress } from './training-progress.js';

/** How commands that train do it, besides what decides the results. */
export interface TrainingFlags extends Readonly<Record<string, unknown>> {
  readonly device: DeviceName | 'auto';
  readonly init?: readonly InitSource[];
  readonly initLabels?: NonNullable<InitSource['labels']>;
  readonly workers?: number;
  readonly threads?: number;
  readonly strict?: boolean;
  readonly tensorboard: boolean;
  readonly saveEvery: number;
}

export function withTrainingOptions(command: Command): Command {
  return command
    .addOption(deviceOption('auto'))
    .addOption(gpuOption())
    .option('--threads <count>', 'threads of the CPU (default: all cores)', positive)
    .option('-j, --workers <count>', 'threads that decode pictures', numberOf(z.int().min(0)))
    .option(
      '--init <[part=]file>',
      'weights to start from: tensors of the same name and shape; ir50=FILE or landmark=FILE for a backbone; repeatable',
      initArgument,
    )
    .option(
      '--init-labels <name>',
      `label set of an --init file that does not name it (${labelSetNames}), or data: the data's, index for index`,
      initLabelsArgument,
    )
    .option('--save-every <seconds>', 'between saves within an epoch', numberOf(z.number().gt(0)), 300)
    .option('--strict', 'fail at a picture that cannot be read, instead of leaving it out')
    .option('--no-tensorboard', 'write no event files for TensorBoard');
}

/** The settings of a run that begins: those given, over the recipes; what follows from them is noted. */
export async function newRun(data: string, given: Partial<RunOptions>): Promise<ResolvedRun> {
  const resolved = await resolveRun(data, given);
  const run = parseRun(resolved.run);
  for (const sentence of resolved.notes) note(sentence);
  for (const { setting, value } of resolved.ignored) {
    note(`As published, ${flagOf(setting)} is ignored: it is ${String(value)}.`);
  }
  return { ...resolved, run };
}

/** The files to begin with, those of the network with the labels they are said to have. */
export function initOf({ init = [], initLabels: labels }: TrainingFlags): readonly InitSource[] {
  if (labels === undefined) return init;
  if (!init.some(({ part }) => part === 'network')) {
    throw new UserError('--init-labels says what the outputs of a file mean; name the file: --init FILE.', 'usage');
  }
  return init.map((source) => (source.part === 'network' ? { ...source, labels } : source));
}

/** What several runs have left out, each picture once. */
export function skippedOf(results: readonly Pick<TrainResult, 'skipped'>[]): TrainResult['skipped'] {
  const byPath = new Map(results.flatMap(({ skipped }) => skipped.map((one) => [one.path, one])));
  return [...byPath.values()];
}

/**
 * Trains a run, and shows on stderr how.
 * @param device its note is told once training begins: what is wrong with data and options comes first
 * @param ranks that train it together; default: this process alone
 */
export async function trainOne(
  { workers, threads, strict = false, saveEvery, tensorboard }: TrainingFlags,
  job: Pick<TrainJob, 'run' | 'out' | 'resume' | 'init'>,
  { device, note: about }: ChosenDevice,
  signal: AbortSignal,
  ranks = new Communicator(single),
): Promise<{ readonly result: TrainResult; readonly history: readonly EpochSummary[] }> {
  const { listener, history, stop } = trainingProgress(about);
  const isFirst = ranks.rank === 0;
  const events = tensorboard && isFirst ? withEvents(listener, job.out, job.run) : undefined;
  try {
    const result = await trainTogether(
      {
        ...job,
        device,
        strict,
        saveEvery,
        command: quoted(['poster', ...process.argv.slice(2)]),
        ...defined({ workers, threads }),
      },
      ranks,
      isFirst ? (events?.listener ?? listener) : {},
      signal,
    );
    stop();
    noteSkipped(result.skipped);
    return { result, history };
  } finally {
    stop();
    await events?.stop();
  }
}
