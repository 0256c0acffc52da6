import { realpath } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { countText } from '../../common/count-text.js';
import { UserError } from '../../common/errors.js';
import { type FigureName, type Figures, type Spread, spread, spreadOf } from '../../metrics/index.js';
import { settingText } from '../draw/text.js';
import { type RunFolder, type RunSettings, settingNamed } from './run-folder.js';
import { recordedEvaluation } from './run-report.js';

export interface ComparedRun {
  readonly run: RunFolder;
  readonly settings: RunSettings;
  /** Of the best epoch's weights; `samples` is null where a run of an early version does not say what measured it. */
  readonly figures: Omit<Figures, 'samples'> & { readonly samples: number | null };
}

/** Runs that differ in nothing but what is averaged over. */
export interface RunGroup {
  /** What sets it apart, such as `lr 0.001, rho 0`. */
  readonly name: string;
  /** The settings in which groups differ, as this one has them. */
  readonly settings: RunSettings;
  readonly runs: readonly ComparedRun[];
  readonly spread: Readonly<Record<FigureName, Spread>>;
  /** Epochs until the best one. */
  readonly bestEpoch: Spread;
}

export interface Comparison {
  /** Settings that are averaged over, such as `seed`. */
  readonly over: readonly string[];
  /** Settings in which groups differ. */
  readonly differing: readonly string[];
  /** Settings that are the same in all groups. */
  readonly common: RunSettings;
  /** In the order in which their first runs were given. */
  readonly groups: readonly RunGroup[];
  /** Sentences about what to mind. */
  readonly notes: readonly string[];
}

/** The runs without those that were given twice, under whatever path. */
export async function distinctRuns(runs: readonly RunFolder[]): Promise<{ runs: RunFolder[]; notes: string[] }> {
  const byPath = new Map<string, RunFolder>();
  const notes: string[] = [];
  for (const run of runs) {
    const path = await realpath(run.path);
    const first = byPath.get(path);
    if (first === undefined) byPath.set(path, run);
    else notes.push(`${run.path} is the same run as ${first.path}: it counts once.`);
  }
  return { runs: [...byPath.values()], notes };
}

/** A run's figures on its validation pictures. @throws UserError when no epoch is finished. */
export function validationFigures(run: RunFolder): ComparedRun['figures'] {
  const { best } = run;
  if (best === undefined) {
    throw new UserError(`${run.path} has no finished epoch yet: leave it out, or wait until it has.`);
  }
  const recorded = recordedEvaluation(run);
  return {
    samples: recorded?.samples ?? run.pictures?.validation ?? null,
    accuracy: best.valAccuracy,
    meanClassAccuracy: best.valMeanClassAccuracy,
    macroF1: best.valMacroF1 ?? recorded?.macroF1 ?? null,
    ece: best.calibration?.ece ?? null,
    brier: best.calibration?.brier ?? null,
  };
}

/** @throws UserError where the runs do not have the same classes: their figures would not mean the same. */
export function checkSameClasses(runs: readonly RunFolder[]): void {
  const known = runs.filter(({ labels }) => labels !== undefined);
  const [first] = known;
  const classes = ({ labels }: RunFolder): readonly string[] => [...(labels ?? [])].sort();
  const other = known.find((run) => first !== undefined && !isDeepStrictEqual(classes(run), classes(first)));
  if (first === undefined || other === undefined) return;
  const list = ({ labels = [] }: RunFolder): string => labels.join(', ');
  throw new UserError(
    `These runs do not have the same classes, so their figures cannot be compared: ${first.path} has ` +
      `${list(first)}; ${other.path} has ${list(other)}. Compare those of a kind.`,
  );
}

/**
 * Groups runs that differ only in the settings named in `over`, and gives mean and deviation of their figures.
 * @throws UserError where the runs do not have the same classes.
 */
export function compareRuns(runs: readonly ComparedRun[], over: readonly string[]): Comparison {
  checkSameClasses(runs.map(({ run }) => run));
  const names = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))].filter(
    (name) => !over.includes(name),
  );
  const settingOf = ({ settings }: ComparedRun, name: string): unknown => settingNamed(settings, name) ?? null;
  const same = (a: ComparedRun, b: ComparedRun): boolean =>
    names.every((name) => isDeepStrictEqual(settingOf(a, name), settingOf(b, name)));
  const groups: ComparedRun[][] = [];
  for (const run of runs) {
    const group = groups.find(([first]) => first !== undefined && same(first, run));
    if (group === undefined) groups.push([run]);
    else group.push(run);
  }
  const differing = names.filter((name) => new Set(runs.map((run) => JSON.stringify(settingOf(run, name)))).size > 1);
  const [first] = runs;
  const pick = (run: ComparedRun | undefined, wanted: readonly string[]): RunSettings =>
    Object.fromEntries(wanted.map((name) => [name, run === undefined ? null : settingOf(run, name)]));
  return {
    over,
    differing,
    common: pick(
      first,
      names.filter((name) => !differing.includes(name)),
    ),
    groups: groups.map((members, index) => {
      const settings = pick(members[0], differing);
      return {
        name: groupName(settings, index),
        settings,
        runs: members,
        spread: spreadOf(members.map(({ figures }) => figures)),
        bestEpoch: spread(members.map(({ run }) => run.best?.epoch ?? null)),
      };
    }),
    notes: groups.flatMap((members) => notesOn(members, over)),
  };
}

function groupName(settings: RunSettings, index: number): string {
  const parts = Object.entries(settings).map(([name, value]) => `${name} ${settingText(value)}`);
  if (parts.length === 0) return 'all runs';
  const name = parts.join(', ');
  return name.length <= 40 ? name : `group ${index + 1}`;
}

function notesOn(members: readonly ComparedRun[], over: readonly string[]): string[] {
  const repeated = members.filter((run, i) =>
    members
      .slice(0, i)
      .some((earlier) =>
        over.every((name) =>
          isDeepStrictEqual(settingNamed(earlier.settings, name) ?? null, settingNamed(run.settings, name) ?? null),
        ),
      ),
  );
  return [
    ...repeated.map(
      ({ run }) => `${run.path} repeats a run of the same ${over.join(' and ')}: its group's deviation is too small.`,
    ),
    ...members.flatMap(({ run: { path, epochs, planned } }) =>
      planned !== undefined && epochs.length < planned
        ? [`${path} is not finished: ${epochs.length} of ${countText(planned, 'epoch')}; its best so far counts.`]
        : [],
    ),
  ];
}
