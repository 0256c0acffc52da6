import { isDeepStrictEqual } from 'node:util';
import { defined } from '../../common/defined.js';
import { modelNamed } from '../../models/index.js';
import { reportedSplitOf, splitAmong, splitsOf } from '../datasets/index.js';
import { idleSettings } from './idle-settings.js';
import { type RunOptions, runSchema } from './options.js';
import { type RunRequest, runFor } from './recipes.js';

/** A setting that was given and does not count, because the published code has another. */
export interface IgnoredSetting {
  readonly setting: string;
  /** What counts. */
  readonly value: unknown;
}

/** A run that was asked for, and what its settings lead to that is not plain from them. */
export interface ResolvedRun {
  readonly run: RunOptions;
  /** Sentences about the choice of the best epoch. */
  readonly notes: readonly string[];
  readonly ignored: readonly IgnoredSetting[];
  /** Settings that were given and change nothing beside the others, as a momentum of AdamW. */
  readonly idle: readonly IdleSetting[];
}

/** A setting that was given and changes nothing. */
export interface IdleSetting {
  readonly setting: string;
  /** As the end of a sentence: `with adamw`. */
  readonly condition: string;
}

/**
 * The settings of a run on a dataset folder, from what is given and the recipes, of which a published one looks at the
 * folder's splits. `parseRun` checks them.
 */
export async function resolveRun(data: string, given: Partial<RunOptions>): Promise<ResolvedRun> {
  const model = given.model === undefined ? undefined : modelNamed(given.model).name;
  const request: RunRequest = { data, given, ...defined({ model }) };
  const ofRun = (run: RunOptions, more: Pick<ResolvedRun, 'notes' | 'ignored'>): ResolvedRun => ({
    run,
    ...more,
    idle: idleOf(run, given),
  });
  if (given.asPublished !== true) return ofRun(runFor(request), { notes: [], ignored: [] });
  const splits = await splitsOf(data);
  const trainSplit = splitAmong(splits, given.trainSplit ?? 'train');
  const reportedSplit = reportedSplitOf(splits.filter((split) => split !== trainSplit && split !== '.'));
  const run = runFor({ ...request, ...defined({ reportedSplit }) });
  return ofRun(run, { notes: selectionNotes(run, reportedSplit, given), ignored: ignoredOf(run, given) });
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

function ignoredOf(run: RunOptions, given: Partial<RunOptions>): IgnoredSetting[] {
  const values = new Map<string, unknown>(Object.entries(run));
  return Object.entries(given)
    .filter(([key, wanted]) => wanted !== undefined && !isDeepStrictEqual(values.get(key), wanted))
    .map(([setting]) => ({ setting, value: values.get(setting) }));
}

function idleOf(run: RunOptions, given: Partial<RunOptions>): IdleSetting[] {
  // `parseRun` says what cannot be used.
  const parsed = runSchema.safeParse(run);
  if (!parsed.success) return [];
  return idleSettings(parsed.data).flatMap(({ keys, condition }) =>
    keys.filter((key) => given[key] !== undefined).map((key) => ({ setting: String(key), condition })),
  );
}
