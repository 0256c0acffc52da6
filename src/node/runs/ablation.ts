import { join } from 'node:path';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { type StudyArm, type StudyName, studyArms, studyNames } from '../../models/index.js';
import { lastFileName } from '../../safetensors/index.js';
import { initSchema } from './init-schema.js';
import type { TrainResult } from './job.js';
import { migrateRun, parseRun, type RunOptions, runSchema } from './options.js';
import { exists, planFile } from './plan-file.js';

const seed = z.int().min(0);
const planSchema = z.object({
  format: z.literal(1),
  /** A study of the network; null where the arms are the user's own. */
  study: z.enum(studyNames).nullable(),
  /** What all runs have in common: those of the network as it is; each run has a seed of its own. */
  run: z.preprocess(migrateRun, runSchema),
  /** With the options that each changes: the network's, or any of a run where the arms are the user's own. */
  arms: z.array(z.object({ name: z.string(), summary: z.string(), options: z.record(z.string(), z.unknown()) })).min(2),
  seeds: z.array(seed).min(1),
  /** How many the networks tell apart; null in files from before it was written down. */
  classes: z.int().min(2).nullable().default(null),
  /** Where first values come from. */
  init: initSchema,
  /** Runs that are trained to their end. */
  done: z.array(z.object({ arm: z.string(), seed })),
});
export type Ablation = z.infer<typeof planSchema>;

/** What an ablation compares and how far it has got. */
const file = planFile<Ablation>({ name: 'ablation.json', what: 'an ablation', schema: planSchema });

/** One run of an ablation. */
export interface AblationRun {
  readonly arm: StudyArm;
  readonly run: RunOptions;
  readonly out: string;
}

export interface AblationJob {
  readonly plan: Ablation;
  /** Whether the folder holds this ablation already. */
  readonly goesOn: boolean;
  /** Folder: `ablation.json`, and `ARM/seed-N` for each run. */
  readonly out: string;
  readonly train: (job: {
    readonly run: RunOptions;
    readonly out: string;
    readonly resume?: string;
  }) => Promise<TrainResult>;
  /** A run is about to begin, or to be gone on with; it is number `index` of `count`, from 1. */
  readonly onRun?: (run: AblationRun, index: number, count: number) => void;
}

/** What an ablation compares, of what all runs have in common. */
export interface AblationWish {
  /** A study of the network, or arms of the user's own: their names are those of folders. */
  readonly compared: StudyName | readonly StudyArm[];
  readonly run: RunOptions;
  /** The options of `run` that the user gave: what arms change must not be among them. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly seeds: readonly number[];
  /** Those of the dataset. */
  readonly classes: number;
  readonly init: Ablation['init'];
}

/** What own arms cannot change: it decides what else a run's recipe is, or what the figures are of. */
const sharedByArms = ['model', 'data', 'dataType', 'asPublished', 'seed', 'folds', 'fold'];

/**
 * The runs that an ablation compares.
 * @throws UserError where the network has no such ablation, `given` says otherwise what an arm changes, or an arm does not
 * fit the network.
 */
export function planAblation({ compared, run, given, seeds, classes, init }: AblationWish): Ablation {
  if (seeds.length === 0 || new Set(seeds).size < seeds.length) {
    throw new UserError('The seeds of an ablation must be given once each, such as 0,1.', 'usage');
  }
  const isStudy = typeof compared === 'string';
  const arms = isStudy ? studyArms(run.model, compared) : ownArms(compared);
  const changed = new Set(arms.flatMap(({ options }) => Object.keys(options)));
  const fixed = Object.keys(given).find((key) => changed.has(key));
  if (fixed !== undefined) {
    const whole = isStudy ? `The study ${compared} compares` : 'The arms compare';
    throw new UserError(`${whole} values of ${fixed}; leave that out.`, 'usage');
  }
  const plan = {
    format: 1 as const,
    study: isStudy ? compared : null,
    run,
    arms: arms.map((arm) => ({ ...arm })),
    seeds: [...seeds],
    classes,
    init,
    done: [],
  };
  // Every arm is looked at before the first is trained.
  runsOf(plan, '.');
  return plan;
}

function ownArms(arms: readonly StudyArm[]): readonly StudyArm[] {
  const names = arms.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new UserError(`Two arms are called ${twice}; give each a name of its own.`, 'usage');
  if (arms.length < 2) throw new UserError('An ablation compares two arms or more.', 'usage');
  for (const { name, options } of arms) {
    const shared = Object.keys(options).find((key) => sharedByArms.includes(key));
    if (shared !== undefined) {
      throw new UserError(`The arm ${name} changes ${shared}, which all runs of an ablation share.`, 'usage');
    }
  }
  return arms;
}

/** All runs of an ablation, seed by seed, so that whoever stops it has compared something. */
export function runsOf({ run, arms, seeds }: Pick<Ablation, 'run' | 'arms' | 'seeds'>, out: string): AblationRun[] {
  return seeds.flatMap((seed) =>
    arms.map((arm) => ({
      arm,
      run: parseRun({ ...run, ...arm.options, seed }),
      out: join(out, arm.name, `seed-${seed}`),
    })),
  );
}

/** The folder of an ablation that a path to go on with means: the folder itself, or its file. */
export async function ablationAt(path: string): Promise<string> {
  const folder = file.folderOf(path);
  if (await file.isIn(folder)) return folder;
  throw new UserError(`${folder} holds no ablation to resume: it has no ${file.name}; name the folder of one.`);
}

/** @throws UserError where there is none, or not one of this version. */
export const readAblation = (folder: string): Promise<Ablation> => file.read(folder);

/**
 * Trains one run after another; those that are done are not repeated, and one that was begun goes on.
 * @returns how far it has got: to the end, unless training was interrupted
 * @throws UserError where another process writes into the folder
 */
export function ablate(job: AblationJob): Promise<Ablation> {
  const { out, train, onRun } = job;
  return file.claimed(job, async (given, save) => {
    let plan = given;
    const runs = runsOf(plan, out);
    await save(plan);
    for (const [index, one] of runs.entries()) {
      const [arm, { seed }] = [one.arm.name, one.run];
      const last = join(one.out, lastFileName);
      const isBegun = await exists(last);
      if (isBegun && plan.done.some((done) => done.arm === arm && done.seed === seed)) continue;
      onRun?.(one, index + 1, runs.length);
      const { interrupted } = await train({ run: one.run, out: one.out, ...(isBegun ? { resume: last } : {}) });
      if (interrupted) break;
      plan = { ...plan, done: [...plan.done, { arm, seed }] };
      await save(plan);
    }
    return plan;
  });
}
