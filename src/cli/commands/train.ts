import { dirname, resolve } from 'node:path';
import { Command, Option } from 'commander';
import * as z from 'zod';
import { quoted } from '../../common/command-line.js';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { percent } from '../../common/percent.js';
import { lastCheckpointAt, readRunConfig } from '../../node/checkpoints/index.js';
import { type NewFolder, newFolder, removeIfEmpty } from '../../node/files/output-paths.js';
import type { Communicator } from '../../node/ranks/communicator.js';
import { launcherOf } from '../../node/ranks/launcher.js';
import {
  type CrossValidation,
  crossValidate,
  crossValidationAt,
  crossValidationDocument,
  readCrossValidation,
} from '../../node/runs/cross-validation.js';
import type { InitSource } from '../../node/runs/init.js';
import type { TrainJob, TrainResult } from '../../node/runs/job.js';
import { parseStoredRun, type RunOptions, withPaths } from '../../node/runs/options.js';
import { lastFileName } from '../../safetensors/index.js';
import { positive } from '../checkpoint-options.js';
import { note, printResult } from '../context.js';
import { crossValidationText } from '../cross-validation-text.js';
import { ExitCode } from '../exit-code.js';
import { stopOnSignals } from '../interrupt.js';
import { withRanks } from '../joined-ranks.js';
import { findDevice, openDevice } from '../open-device.js';
import { silenceOtherRanks } from '../ranks/by-ranks.js';
import { givenRun, recipeHelp, resumedRun, withRunOptions } from '../run-options.js';
import { initOf, newRun, skippedOf, type TrainingFlags, trainOne, withTrainingOptions } from '../run-training.js';
import { flagOf } from '../settings.js';

interface TrainFlags extends TrainingFlags {
  readonly out?: string;
  readonly resume?: string;
  readonly json?: boolean;
  readonly ranks?: number;
  readonly allreduce: 'rank-order' | 'native';
}

export function trainCommand(): Command {
  silenceOtherRanks();
  const command = new Command('train').description('train a network on a dataset of class folders');
  return withTrainingOptions(withRunOptions(command))
    .option('--out <dir>', 'folder for checkpoints, run.json and metrics.jsonl (default: a new one in runs/)')
    .option(
      '--resume <file>',
      `${lastFileName} of a run to resume, bit for bit, or the folder of the run; or that of a cross-validation`,
    )
    .option('--ranks <count>', 'processes of this machine that train together, without MPI', positive)
    .addOption(
      new Option('--allreduce <how>', "under mpirun: sums in the order of ranks, or MPI's own")
        .choices(['rank-order', 'native'])
        .default('rank-order'),
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `${recipeHelp}\n
Ctrl-C saves and stops; --resume continues.\n
Example:
  poster train --data data/ferplus --model poster-v2-nano --targets distribution
  mpirun -n 4 npx poster train --data data/ferplus --model poster-v2-nano`,
    )
    .action((flags: TrainFlags) => {
      const { ranks, allreduce } = flags;
      if (allreduce === 'native' && launcherOf(process.env) === undefined) {
        throw new UserError(
          '--allreduce native is for ranks that mpirun starts; start them so, or leave it out.',
          'usage',
        );
      }
      return withRanks({ allreduce, ...defined({ ranks }) }, (all) => run(flags, all));
    });
}

async function run(given: TrainFlags, ranks: Communicator): Promise<void> {
  const init = initOf(given);
  const begun = given.resume === undefined ? undefined : await crossValidationAt(given.resume);
  if (begun !== undefined) refuseFolds(ranks);
  if (begun !== undefined) return runFolds(given, await resumedFolds(given, begun), begun, true);
  const flags = given.resume === undefined ? given : { ...given, resume: await lastCheckpointAt(given.resume) };
  const options = await runOf(flags);
  const out = await ranks.fromFirst(newFolderSchema, () => outFolder(flags, options));
  try {
    const { folds, fold } = options;
    if (folds !== null && fold === null && flags.resume === undefined) {
      refuseFolds(ranks);
      // From wherever it is resumed.
      const run = { ...withPaths(options, (path) => resolve(path)), folds, fold };
      const files = init.map((source) => ({ ...source, path: resolve(source.path) }));
      await runFolds(flags, { format: 1, run, init: files, done: [] }, out.path);
    } else await runOnce(flags, options, init, out.path, ranks);
  } finally {
    // Where nothing was begun.
    if (ranks.rank === 0) await removeIfEmpty(out.made);
  }
}

const newFolderSchema = z.object({ path: z.string(), made: z.array(z.string()) });

/** @throws UserError (kind `usage`) where several ranks would train the folds of a cross-validation */
function refuseFolds({ size }: Communicator): void {
  if (size === 1) return;
  throw new UserError('Several ranks train one network; give --fold too, for one fold after the other.', 'usage');
}

async function runOnce(
  flags: TrainFlags,
  options: RunOptions,
  init: readonly InitSource[],
  out: string,
  ranks: Communicator,
): Promise<void> {
  const chosen = await findDevice(flags.device);
  const { device } = chosen;
  const interrupt = stopOnSignals();
  try {
    const { resume } = flags;
    const job = {
      run: options,
      out,
      ...defined<Pick<TrainJob, 'resume'>>({ resume }),
      ...(init.length === 0 ? {} : { init }),
    };
    const { result, history } = await trainOne(flags, job, chosen, interrupt.signal, ranks);
    if (ranks.rank === 0)
      printResult(flags.json, { run: options, device, out, history, ...result }, () => text(result, options));
    if (result.interrupted) process.exitCode = ExitCode.interrupted;
  } finally {
    interrupt.release();
  }
}

/** All folds of a cross-validation, one after another. */
async function runFolds(flags: TrainFlags, plan: CrossValidation, out: string, goesOn = false): Promise<void> {
  const device = await openDevice(flags.device);
  const { workers, threads, strict = false, json } = flags;
  const { init } = plan;
  const interrupt = stopOnSignals();
  const results: TrainResult[] = [];
  try {
    const now = await crossValidate({
      plan,
      out,
      goesOn,
      device,
      strict,
      onFold: (fold, folds) => note(`Fold ${fold} of ${folds}`),
      onNote: note,
      ...defined({ workers, threads }),
      train: async (job) => {
        const fresh = job.resume === undefined && init.length > 0 ? { init } : {};
        const { result } = await trainOne(flags, { ...job, ...fresh }, { device }, interrupt.signal);
        results.push(result);
        return result;
      },
    });
    const document = { ...crossValidationDocument(out, now), skipped: skippedOf(results) };
    printResult(json, document, () => crossValidationText(out, now));
    if (now.done.length < now.run.folds) process.exitCode = ExitCode.interrupted;
  } finally {
    interrupt.release();
  }
}

/** A cross-validation to go on with. All its folds are trained alike, so nothing about it can change. */
async function resumedFolds(flags: TrainFlags, folder: string): Promise<CrossValidation> {
  const plan = await readCrossValidation(folder);
  if (initOf(flags).length > 0 || flags.out !== undefined) {
    throw new UserError('A resumed cross-validation keeps its options; leave out --init and --out.', 'usage');
  }
  const { epochs, data, teacher } = resumedRun(plan.run, givenRun(flags));
  if (epochs !== plan.run.epochs) {
    throw new UserError(
      `All folds of a cross-validation are trained alike, and --epochs was ${plan.run.epochs}; leave it out.`,
      'usage',
    );
  }
  return { ...plan, run: withPaths({ ...plan.run, data, teacher }, (path) => resolve(path)) };
}

async function runOf(flags: TrainFlags): Promise<RunOptions> {
  const given = givenRun(flags);
  if (flags.resume !== undefined) {
    if (initOf(flags).length > 0) {
      throw new UserError('--init starts a new run and --resume continues one; give one of them.', 'usage');
    }
    return resumedRun(parseStoredRun(await readRunConfig(flags.resume)), given);
  }
  if (given.data === undefined) {
    throw new UserError('Training needs pictures: give --data DIR (or --resume FILE).', 'usage');
  }
  const { run: options, idle } = await newRun(given.data, given);
  for (const { setting, condition } of idle) note(`${flagOf(setting)} changes nothing ${condition}.`);
  const { fold, folds } = options;
  if (fold !== null && (folds === null || fold > folds)) {
    throw new UserError(
      folds === null
        ? `--fold ${fold} of how many? Give --folds too.`
        : `There is no fold ${fold} among ${folds}; they are numbered from 1.`,
      'usage',
    );
  }
  return options;
}

/** The folder named, the resumed run's, or a new one; with it the folders that were made for it. */
async function outFolder(flags: TrainFlags, run: RunOptions): Promise<NewFolder> {
  if (flags.out === undefined) {
    if (flags.resume !== undefined) return { path: dirname(flags.resume), made: [] };
    return newFolder('runs', run.model);
  }
  return { path: flags.out, made: [] };
}

function text(result: TrainResult, { data, fold, folds }: RunOptions): string {
  const { bestEpoch, bestAccuracy, bestCheckpoint, lastCheckpoint, interrupted, epochs } = result;
  const where =
    bestCheckpoint === null ? '; its weights were not beside the checkpoint resumed from' : `, ${bestCheckpoint}`;
  const best =
    bestEpoch > 0 ? [`Best: epoch ${bestEpoch}, ${percent(bestAccuracy)}% of the validation pictures${where}`] : [];
  const checkpoint = bestCheckpoint ?? lastCheckpoint;
  const next = interrupted
    ? `Stopped in epoch ${epochs + 1} and saved; resume with: poster train --resume ${quoted([lastCheckpoint])}`
    : fold !== null
      ? `Measure it on the fold: poster evaluate ${quoted(['--data', data, '--folds', String(folds), '--checkpoint', checkpoint])}`
      : `Try it: npx poster predict FACE.png --aligned --checkpoint ${quoted([checkpoint])}`;
  return [...best, next].join('\n');
}
