import { isDeepStrictEqual } from 'node:util';
import { flagOf } from '../../cli/settings.js';
import { modelNamed } from '../../models/index.js';
import { reportedSplitOf, splitAmong, splitsOf } from '../datasets/index.js';
import type { RunOptions } from './options.js';
import { runFor } from './recipes.js';

/** The run that options ask for, and in sentences what they lead to that is not plain from them. */
export async function wishedRun(
  data: string,
  given: Partial<RunOptions>,
): Promise<{ readonly run: RunOptions; readonly notes: readonly string[] }> {
  const model = given.model === undefined ? undefined : modelNamed(given.model).name;
  const wish = { data, given, ...(model === undefined ? {} : { model }) };
  if (given.asPublished !== true) return { run: runFor(wish), notes: [] };
  const splits = await splitsOf(data);
  const trainSplit = splitAmong(splits, given.trainSplit ?? 'train');
  const reportedSplit = reportedSplitOf(splits.filter((split) => split !== trainSplit && split !== '.'));
  const run = runFor({ ...wish, ...(reportedSplit === undefined ? {} : { reportedSplit }) });
  return { run, notes: [...selectionNotes(run, reportedSplit, given), ...ignored(run, given)] };
}

function selectionNotes(
  { data, valSplit, holdOut }: RunOptions,
  reportedSplit: string | undefined,
  given: Partial<RunOptions>,
): string[] {
  if (valSplit !== null && valSplit === reportedSplit) {
    return [
      `As published, the best epoch is chosen on the split '${valSplit}', which is the one to report: the figure will flatter.`,
    ];
  }
  if (valSplit !== null || given.holdOut !== undefined) return [];
  return [
    `The published code chooses the best epoch on the split that it reports, and ${data} has none but what it trains on: ` +
      `it is chosen on ${Math.round(holdOut * 100)}% held out of that.`,
  ];
}

/** Options that the published code does not heed. */
function ignored(run: RunOptions, given: Partial<RunOptions>): string[] {
  const entries: Readonly<Record<string, unknown>> = given;
  const values: Readonly<Record<string, unknown>> = run;
  return Object.keys(given)
    .filter((key) => entries[key] !== undefined && !isDeepStrictEqual(values[key], entries[key]))
    .map((key) => `As published, ${flagOf(key)} is ignored: it is ${String(values[key])}.`);
}
