import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import { quoted } from '../../common/command-line.js';
import { countText } from '../../common/count-text.js';
import { UserError } from '../../common/errors.js';
import { modelNamed, profile, type StudyArm, type StudyName, studyNames } from '../../models/index.js';
import { newFolder, removeIfEmpty } from '../../node/files/output-paths.js';
import {
  type ComparedRun,
  type Comparison,
  compareRuns,
  formatTable,
  readRun,
  validationFigures,
} from '../../node/report/index.js';
import {
  type Ablation,
  type AblationRun,
  ablate,
  ablationAt,
  planAblation,
  readAblation,
  runsOf,
} from '../../node/runs/ablation.js';
import type { TrainResult } from '../../node/runs/job.js';
import { ownOptions, withPaths } from '../../node/runs/options.js';
import { trainedLabels } from '../../node/runs/run-data.js';
import { networkOf } from '../../node/runs/run-network.js';
import { checkTeacherFiles } from '../../node/runs/teachers.js';
import { ablationArm } from '../ablation-arm.js';
import { numbers } from '../arguments.js';
import { comparedText, comparisonDocument } from '../comparison-output.js';
import { grouped, note, noteLines, printResult } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { stopOnSignals } from '../interrupt.js';
import { openDevice } from '../open-device.js';
import { givenRun, withRunOptions } from '../run-options.js';
import { runSettings } from '../run-settings.js';
import { initOf, newRun, skippedOf, type TrainingFlags, trainOne, withTrainingOptions } from '../run-training.js';
import { flagOf } from '../settings.js';

interface AblateFlags extends TrainingFlags {
  readonly study?: StudyName;
  readonly arm?: readonly StudyArm[];
  readonly seeds?: readonly number[];
  readonly dryRun?: boolean;
  readonly out?: string;
  readonly resume?: string;
  readonly json?: boolean;
}

export function ablateCommand(): Command {
  const command = new Command('ablate')
    .description("train a network and its ablations over seeds, and compare them: the paper's studies as runs")
    .addOption(new Option('--study <name>', 'what to compare: docs/ablations.md').choices(studyNames))
    .option(
      '--arm <name[: options]>',
      'in place of a study, what of your own to compare: options of poster train that a run has besides; repeatable',
      (text, before: readonly StudyArm[] = []) => [...before, ablationArm(text)],
    )
    .option('--seeds <list>', 'seeds to train each with (default: 0,1)', seedsArgument);
  return withTrainingOptions(withRunOptions(command))
    .option('--dry-run', 'say what would be trained, and train nothing')
    .option('--out <dir>', 'folder for ARM/seed-N, a run each (default: a new one in runs/)')
    .option('--resume <dir>', 'folder of an ablation to resume')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Options of poster train apply to every run. Ctrl-C saves and stops; --resume continues.

Examples:
  poster ablate --data data/ferplus --study cross-fusion --seeds 0,1,2 --out runs/cross-fusion
  poster ablate --data data/ferplus --study two-stream --model poster-v1-nano --dry-run
  poster ablate --data data/ferplus --arm plain --arm 'mixed: --mixup 0.2' --seeds 0,1,2`,
    )
    .action(run);
}

const seeds = z.array(z.int().min(0));

function seedsArgument(text: string): readonly number[] {
  const parsed = seeds.safeParse(numbers(text));
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError('It must be whole numbers from 0, such as 0,1.');
}

async function run(flags: AblateFlags): Promise<void> {
  const { resume, dryRun = false, json } = flags;
  const goesOn = resume !== undefined;
  const plan = goesOn ? await resumedPlan(flags, await ablationAt(resume)) : await newPlan(flags);
  if (dryRun) {
    printResult(json, planDocument(plan), () => planText(plan));
    return;
  }
  noteLines(`${planText(plan)}\n`);
  const out = goesOn ? { path: await ablationAt(resume), made: [] } : await outFolder(flags, plan);
  const interrupt = stopOnSignals();
  const results: TrainResult[] = [];
  try {
    const device = await openDevice(flags.device);
    const fresh = plan.init.length === 0 ? {} : { init: plan.init };
    const now = await ablate({
      plan,
      goesOn,
      out: out.path,
      onRun: ({ arm, run: { seed } }, index, count) => note(`Run ${index} of ${count}: ${arm.name}, seed ${seed}`),
      train: async (job) => {
        const begun = { ...(job.resume === undefined ? fresh : {}), ...job };
        const { result } = await trainOne(flags, begun, { device }, interrupt.signal);
        results.push(result);
        return result;
      },
    });
    const comparison = await compared(now, out.path);
    for (const sentence of comparison?.notes ?? []) note(sentence);
    const left = now.arms.length * now.seeds.length - now.done.length;
    const document = { ...resultDocument(now, out.path, comparison), skipped: skippedOf(results) };
    printResult(json, document, () => resultText(now, out.path, comparison));
    if (left > 0) process.exitCode = ExitCode.interrupted;
  } finally {
    interrupt.release();
    // Where nothing was begun.
    await removeIfEmpty(out.made);
  }
}

async function newPlan(flags: AblateFlags): Promise<Ablation> {
  const { seeds = [0, 1] } = flags;
  const compared = comparedBy(flags);
  const { seed, fold, folds, ...given } = givenRun(flags);
  if (given.data === undefined) {
    throw new UserError('Training needs pictures: give --data DIR (or --resume DIR).', 'usage');
  }
  if (seed !== undefined || fold !== undefined || folds !== undefined) {
    throw new UserError(
      'An ablation trains over seeds: give --seeds, and leave out --seed, --folds and --fold.',
      'usage',
    );
  }
  const { run: own } = await newRun(given.data, given);
  // A dataset that cannot be trained on is told before a folder is made for the runs.
  const labels = await trainedLabels(own);
  const { preprocessing } = networkOf(own, labels);
  // From wherever it is resumed.
  const options = withPaths(own, (path) => resolve(path));
  const classes = labels.labels.length;
  const init = initOf(flags).map((source) => ({ ...source, path: resolve(source.path) }));
  const plan = planAblation({ compared, run: options, given, seeds, classes, init });
  // Nor after the first arms have been trained.
  await checkTeacherFiles(
    runsOf(plan, '.').flatMap(({ run: { teacher } }) => teacher),
    { labels, preprocessing },
  );
  return plan;
}

function comparedBy({ study, arm: arms }: AblateFlags): StudyName | readonly StudyArm[] {
  if (study !== undefined && arms === undefined) return study;
  if (study === undefined && arms !== undefined) return arms;
  throw new UserError(
    `Name what to compare: --study ${studyNames.join('|')}, or --arm NAME: OPTIONS for each (or --resume DIR).`,
    'usage',
  );
}

/** An ablation to go on with. All its runs are trained alike, so nothing about it can change. */
async function resumedPlan(flags: AblateFlags, folder: string): Promise<Ablation> {
  const [first] = Object.keys(givenRun(flags));
  const { study, arm, seeds: chosen, out } = flags;
  const own = { study, arm, seeds: chosen, out };
  const other = first ?? Object.entries(own).find(([, value]) => value !== undefined)?.[0];
  if (other !== undefined || initOf(flags).length > 0) {
    throw new UserError(`A resumed ablation keeps its options; leave out ${flagOf(other ?? 'init')}.`, 'usage');
  }
  return readAblation(folder);
}

async function outFolder({ out }: AblateFlags, { study }: Ablation): ReturnType<typeof newFolder> {
  return out === undefined ? newFolder('runs', `ablate-${study ?? 'arms'}`) : { path: out, made: [] };
}

/** What a run's network counts; null where it is not known how many classes it tells apart. */
function countsOf(
  { run }: AblationRun,
  { classes }: Ablation,
): { readonly parameters: number | null; readonly multiplyAccumulates: number | null } {
  if (classes === null) return { parameters: null, multiplyAccumulates: null };
  const { family } = modelNamed(run.model).network;
  const { parameters, executed } = profile(family.withOptions(run.model, classes, ownOptions(run)));
  return { parameters: parameters.trained, multiplyAccumulates: executed.layers + executed.attention };
}

/** The first run of each arm. */
function armsOf(plan: Ablation): AblationRun[] {
  return runsOf({ ...plan, seeds: plan.seeds.slice(0, 1) }, '.');
}

function planDocument(plan: Ablation): object {
  const { study, run: options, seeds: chosen } = plan;
  const arms = armsOf(plan).map((one) => ({ ...one.arm, ...countsOf(one, plan) }));
  return {
    study,
    model: options.model,
    epochs: options.epochs,
    seeds: chosen,
    runs: arms.length * chosen.length,
    arms,
  };
}

function planText(plan: Ablation): string {
  const { study, run: options, seeds: chosen, arms } = plan;
  const counted = (count: number | null): string => (count === null ? '-' : grouped(count));
  const rows = armsOf(plan).map((one) => {
    const { parameters, multiplyAccumulates } = countsOf(one, plan);
    const own = Object.entries(one.arm.options).map(([key, value]) => `${flagOf(key)} ${String(value)}`);
    const how = own.length === 0 ? '' : ` (${own.join(' ')})`;
    const { name, summary } = one.arm;
    return [
      `${summary === '' ? name : `${name}: ${summary}`}${how}`,
      counted(parameters),
      counted(multiplyAccumulates),
    ];
  });
  const runs = `${countText(arms.length * chosen.length, 'run')} of ${countText(options.epochs, 'epoch')}`;
  const seeds = `${chosen.length === 1 ? 'seed' : 'seeds'} ${chosen.join(', ')}`;
  return [
    `${study === null ? 'Arms' : `Study ${study}`} on ${options.model}: ${arms.length} ${study === null ? 'recipes' : 'networks'}, ${seeds}: ${runs}.`,
    '',
    formatTable([['arm', 'trained', 'MACs a picture'], ...rows]),
  ].join('\n');
}

/** The runs that have finished an epoch, as poster compare has them; undefined where none has. */
async function compared(plan: Ablation, out: string): Promise<Comparison | undefined> {
  const runs: ComparedRun[] = [];
  for (const { arm, run: options, out: folder } of runsOf(plan, out)) {
    if (!plan.done.some((done) => done.arm === arm.name && done.seed === options.seed)) continue;
    const one = await readRun(folder);
    const settings = { arm: arm.name, ...runSettings(one.settings) };
    runs.push({ run: one, settings, figures: validationFigures(one) });
  }
  return runs.length === 0 ? undefined : compareRuns(runs, ['seed']);
}

function resultDocument(plan: Ablation, out: string, comparison: Comparison | undefined): object {
  const { arms, seeds: chosen, done } = plan;
  return {
    ...planDocument(plan),
    out,
    interrupted: done.length < arms.length * chosen.length,
    done,
    comparison: comparison === undefined ? null : comparisonDocument(comparison, 'validation'),
  };
}

function resultText({ arms, seeds: chosen, done }: Ablation, out: string, comparison: Comparison | undefined): string {
  const all = arms.length * chosen.length;
  const [first] = arms;
  // The shell's own pattern stays outside of the quotes.
  const folders = arms.map(({ name }) => `${quoted([join(out, name)])}/*`).join(' ');
  return [
    ...(comparison === undefined ? [] : [comparedText(comparison, 'validation'), '']),
    ...(done.length < all
      ? [`Stopped and saved, ${all - done.length} of ${all} runs to go: poster ablate --resume ${quoted([out])}`]
      : [`Measure them on other pictures: poster compare ${folders} --data DIR --split test`]),
    ...(first !== undefined && chosen.length < 3 && done.length === all
      ? [`With ${chosen.length === 1 ? 'one seed' : 'two seeds'} a difference says little: docs/ablations.md.`]
      : []),
  ].join('\n');
}
