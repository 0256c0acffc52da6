import { extname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'csv-stringify/sync';
import { UserError } from '../../common/errors.js';
import { figuresOf } from '../../metrics/index.js';
import { guardDataset } from '../../node/datasets/guard-dataset.js';
import { writeFileAtomic } from '../../node/files/files.js';
import { checkOutputFiles, guardInputs } from '../../node/files/output-paths.js';
import { exists } from '../../node/files/path-kind.js';
import type { Evaluated } from '../../node/measure/index.js';
import {
  type ComparedRun,
  checkSameClasses,
  compareChart,
  compareRuns,
  comparisonRows,
  distinctRuns,
  fontNote,
  type RunFolder,
  readRun,
  renderSvg,
  svgToPng,
  validationFigures,
} from '../../node/report/index.js';
import { describeCheckpoint } from '../../recognize/index.js';
import { comparedText, comparisonDocument } from '../comparison-output.js';
import { note, printResult } from '../context.js';
import {
  evaluateRun,
  type RunEvaluationFlags,
  refuseWithoutData,
  withRunEvaluationOptions,
} from '../run-evaluation.js';
import { runKeys } from '../run-options.js';
import { runSettings } from '../run-settings.js';
import { flagOf, sentenceOf } from '../settings.js';

interface CompareFlags extends RunEvaluationFlags {
  readonly over: readonly string[];
  readonly csv?: string;
  readonly plot?: string;
  readonly json?: boolean;
}

export function compareCommand(): Command {
  const command = new Command('compare')
    .description('compare runs: mean and deviation over seeds, and the settings in which groups differ')
    .argument('<run...>', 'folders that poster train wrote')
    .addOption(
      new Option('--over <list>', 'options to average over, such as seed,fold')
        .argParser(overArgument)
        .default(['seed'], 'seed'),
    );
  return withRunEvaluationOptions(command)
    .option('--csv <file>', 'write a line for each group: means and deviations, as fractions')
    .option('--plot <file>', 'draw loss and accuracy of all groups over the epochs (.svg or .png)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Runs that differ in nothing but their seed form a group. Figures are those of each run's best epoch on the pictures that
chose it, which flatters; --data measures the weights on others.

Examples:
  poster compare runs/*
  poster compare runs/a-* runs/b-* --data data/ferplus --split test --plot curves.svg`,
    )
    .action(run);
}

/** `seed,batch-size` as names of fields: `seed`, `batchSize`. */
function overArgument(text: string): string[] {
  return text.split(',').map((word) => {
    const wanted = `--${word.trim().replace(/^--/, '')}`;
    const name = [...runKeys, 'init'].find((key) => flagOf(key) === wanted || `--${key}` === wanted);
    if (name === undefined) throw new InvalidArgumentError('It must be options of poster train, such as seed,fold.');
    return name;
  });
}

async function run(paths: readonly string[], flags: CompareFlags, command: Command): Promise<void> {
  refuseWithoutData(command, flags);
  const { plot, csv } = flags;
  const kind = plot === undefined ? '' : extname(plot).toLowerCase();
  if (plot !== undefined && kind !== '.svg' && kind !== '.png') {
    throw new UserError(`--plot ${plot}: give a name that ends in .svg or .png.`, 'usage');
  }
  const outputs = [
    ...(csv === undefined ? [] : [{ option: '--csv', path: csv }]),
    ...(plot === undefined ? [] : [{ option: '--plot', path: plot }]),
  ];
  await checkOutputFiles(outputs);
  const files = ['run.json', 'metrics.jsonl', 'best.safetensors', 'last.safetensors'];
  const guard = await guardInputs(paths.flatMap((path) => [path, ...files.map((file) => join(path, file))]));
  const guards = [guard, ...(flags.data === undefined ? [] : [guardDataset(flags.data)])];
  for (const { option, path } of outputs) for (const one of guards) await one(option, path);
  const { read, leftOut } = await usableRuns(paths, flags.data !== undefined);
  const { runs, notes } = await distinctRuns(read);
  // Before anything long is measured.
  checkSameClasses(runs);
  const compared: ComparedRun[] = [];
  const measured = new Map<RunFolder, Evaluated>();
  let on = 'validation';
  for (const one of runs) {
    if (flags.data !== undefined) note(one.path);
    const validation = validationFigures(one);
    const result = await evaluateRun(one, flags);
    if (result !== undefined) {
      on = `${flags.data}, split '${result.split}'`;
      measured.set(one, result);
    }
    const figures = result === undefined ? validation : figuresOf(result.evaluation);
    compared.push({ run: one, settings: runSettings(one.settings), figures });
  }
  const comparison = compareRuns(compared, flags.over);
  if (csv !== undefined) await writeFileAtomic(csv, stringify(comparisonRows(comparison), { escape_formulas: true }));
  if (plot !== undefined) {
    const svg = await renderSvg(compareChart(comparison.groups));
    await writeFileAtomic(plot, kind === '.svg' ? svg : await svgToPng(svg));
    if (kind === '.png') notes.push(...(await fontNote()));
  }
  for (const sentence of [...notes, ...comparison.notes]) note(sentence);
  printResult(flags.json, { ...comparisonDocument(comparison, on, measured), leftOut }, () =>
    comparedText(comparison, on, measured),
  );
}

interface LeftOut {
  readonly path: string;
  readonly reason: string;
}

/**
 * The runs among what a pattern such as `runs/*` gives. The rest is left out with a note.
 * @param measures whether their weights are to be measured: those that lack them are left out before the first is
 * @throws UserError where a path does not exist, or none is left.
 */
async function usableRuns(
  paths: readonly string[],
  measures: boolean,
): Promise<{ read: RunFolder[]; leftOut: LeftOut[] }> {
  const read: RunFolder[] = [];
  const leftOut: LeftOut[] = [];
  for (const path of paths) {
    try {
      const one = await readRun(path);
      validationFigures(one);
      if (measures) await describeCheckpoint(one.bestCheckpoint);
      read.push(one);
    } catch (error) {
      if (!(error instanceof UserError) || paths.length === 1 || !(await exists(path))) throw error;
      leftOut.push({ path, reason: sentenceOf(error) });
      note(`Left out: ${sentenceOf(error)}`);
    }
  }
  if (read.length > 0) return { read, leftOut };
  throw new UserError(
    `None of these ${paths.length} can be compared; give folders that poster train wrote (its --out).`,
  );
}
