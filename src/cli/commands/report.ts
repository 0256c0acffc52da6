import { join } from 'node:path';
import { Command } from 'commander';
import { countText } from '../../common/count-text.js';
import { percent } from '../../common/percent.js';
import type { Evaluated } from '../../node/measure/index.js';
import {
  hasEvents,
  measuredEvaluation,
  type ReportedEvaluation,
  type RunFolder,
  readRun,
  recordedEvaluation,
  writeEvents,
  writeReport,
} from '../../node/report/index.js';
import { versions } from '../../node/runs/versions.js';
import { note, printResult } from '../context.js';
import { protocolText } from '../evaluation-text.js';
import {
  evaluateRun,
  type RunEvaluationFlags,
  refuseWithoutData,
  withRunEvaluationOptions,
} from '../run-evaluation.js';
import { runSettings } from '../run-settings.js';

interface ReportFlags extends RunEvaluationFlags {
  readonly out?: string;
  readonly json?: boolean;
}

export function reportCommand(): Command {
  const command = new Command('report')
    .description('show a run: curves, confusion matrix, classes and configuration as HTML, SVG and PNG; TensorBoard')
    .argument('<run>', 'folder that poster train wrote; the run may still be training')
    .option('--out <dir>', 'folder for the report (default: report/ in the run)');
  return withRunEvaluationOptions(command)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  poster report runs/poster-v2-nano
  poster report runs/poster-v2-nano --data data/ferplus --split test`,
    )
    .action(run);
}

async function run(path: string, flags: ReportFlags, command: Command): Promise<void> {
  refuseWithoutData(command, flags);
  const found = await readRun(path);
  const read: RunFolder = { ...found, settings: runSettings(found.settings) };
  const result = await evaluateRun(read, flags);
  const evaluation = result === undefined ? recordedEvaluation(read) : measured(result, flags);
  const out = flags.out ?? join(path, 'report');
  const { files, notes } = await writeReport(read, evaluation, out, versions()['poster-v2']);
  // Where training has written them itself, TensorBoard would show the run twice.
  if (!(await hasEvents(path))) files.push(await writeEvents(read, out));
  for (const sentence of notes) note(sentence);
  const skipped =
    result === undefined ? [] : result.skipped.map(({ path: picture, reason }) => ({ path: picture, reason }));
  printResult(flags.json, { ...document(read, evaluation, files), skipped }, () => text(read, evaluation, files));
}

function measured(result: Evaluated, flags: ReportFlags): ReportedEvaluation {
  const on = `The best epoch's weights on '${flags.data}', split '${result.split}', measured for this report.`;
  return {
    ...measuredEvaluation(on, result.labels.labels, result.evaluation, result),
    protocol: protocolText(result.protocol),
  };
}

function document(run: RunFolder, evaluation: ReportedEvaluation | undefined, files: readonly string[]): object {
  const { path, settings, labels, epochs, planned, best } = run;
  return {
    run: path,
    settings,
    labels: labels ?? null,
    planned: planned ?? null,
    bestEpoch: best?.epoch ?? null,
    epochs,
    evaluation: evaluation ?? null,
    files,
  };
}

function text(
  { epochs, planned, best }: RunFolder,
  evaluation: ReportedEvaluation | undefined,
  files: readonly string[],
): string {
  const bestLine =
    best === undefined ? '' : `, best ${best.epoch} with ${percent(best.valAccuracy, 2)}% of the validation pictures`;
  return [
    `${planned === undefined ? countText(epochs.length, 'epoch') : `${epochs.length} of ${countText(planned, 'epoch')}`}${bestLine}`,
    ...(evaluation === undefined
      ? ['No confusion matrix: this run did not record it; measure it with --data DIR.']
      : [
          `Accuracy ${percent(evaluation.accuracy, 2)}%, mean over classes ${percent(evaluation.meanClassAccuracy, 2)}%: ${evaluation.on}`,
        ]),
    '',
    ...files,
  ].join('\n');
}
