import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { type StudyArm, type StudyName, studyArms, studyNames } from '../../models/index.js';
import { lastFileName } from '../../safetensors/index.js';
import { exists } from '../files/path-kind.js';
import { idleSettings } from './idle-settings.js';
import { initSchema } from './init-schema.js';
import type { TrainResult } from './job.js';
import { migrateRun, parseRun, type RunOptions, runSchema } from './options.js';
import { planFile } from './plan-file.js';
import { checkTeaching } from './recipes.js';

/** That of a folder. */
export const armName = /^\w[\w.-]*$/;

const seed = z.int().min(0);
const areDistinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;
/** Some file systems do not tell case. */
const folderOf = ({ name }: Pick<StudyArm, 'name'>): string => name.toLowerCase();
const planSchema = z.object({
  format: z.literal(1),
  /** A study of the network; null where the arms are the user's own. */
  study: z.enum(studyNames).nullable(),
  /** What all runs have in common: those of the network as it is; each run has a seed of its own. */
  run: z.preprocess(migrateRun, runSchema),
  /** With the options that each changes: the network's, or any of a run where the arms are the user's own. */
  arms: z
    .array(
      z.object({ name: z.string().regex(armName), summary: z.string(), options: z.record(z.string(), z.unknown()) }),
    )
    .min(2)
    .refine((arms) => areDistinct(arms.map(folderOf)), 'two arms have one name'),
  seeds: z.array(seed).min(1).refine(areDistinct, 'a seed occurs twice'),
  /** How many the networks tell apart; null in files from before it was written down. */
  classes: z.int().min(2).nullable().default(null),
  /** Where first values come from. */
  init: initSchema,
  /** Runs that are trained to their end. */
  done: z.array(z.object({ arm: z.string(), seed })),
});
export type Ablation = z.infer<typeof planSchema>;

/** What an ablation compares and how far it has got. */
const file = planFile<Ablation>({ name: 'ablation.json', schema: planSchema });

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
export interface AblationRequest {
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
const sharedByArms = ['model', 'data', 'dataType', 'asPublished', 'seed', 'valSplit', 'holdOut', 'folds', 'fold'];
/** Neither these, where the pictures that measure are held out of those that are trained on. */
const sharedByHoldingOut = ['trainSplit', 'calibration'];

/**
 * The runs that an ablation compares.
 * @throws UserError where the network has no such ablation, `given` says otherwise what an arm changes, or an arm does not
 * fit the network.
 */
export function planAblation({ compared, run, given, seeds, classes, init }: AblationRequest): Ablation {
  if (seeds.length === 0 || !areDistinct(seeds)) {
    throw new UserError('The seeds of an ablation must be given once each, such as 0,1.', 'usage');
  }
  const isStudy = typeof compared === 'string';
  const arms = isStudy ? studyArms(run.model, compared) : ownArms(compared, run);
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

function ownArms(arms: readonly StudyArm[], run: RunOptions): readonly StudyArm[] {
  const folders = arms.map(folderOf);
  const twice = arms.find((arm, index) => folders.indexOf(folderOf(arm)) < index);
  if (twice !== undefined) {
    throw new UserError(`Two arms are called ${twice.name}; give each a name of its own.`, 'usage');
  }
  if (arms.length < 2) throw new UserError('An ablation compares two arms or more.', 'usage');
  for (const arm of arms) checkArm(arm, run);
  const runs = arms.map(({ options }) => parseRun({ ...run, ...options }));
  for (const [index, one] of runs.entries()) {
    const first = runs.findIndex((other) => isDeepStrictEqual(other, one));
    if (first === index) continue;
    const [a, b] = [first, index].map((at) => itemAt(arms, at).name);
    throw new UserError(
      `The arms ${a} and ${b} train alike; give one of them other options, or leave it out.`,
      'usage',
    );
  }
  return arms;
}

/** @throws UserError where an arm changes what is not its own, or what would change nothing. */
function checkArm({ name, options }: StudyArm, run: RunOptions): void {
  const keys = Object.keys(options);
  const shared = keys.find((key) => sharedByArms.includes(key));
  if (shared !== undefined) {
    throw new UserError(`The arm ${name} changes ${shared}, which all runs of an ablation share.`, 'usage');
  }
  const held = keys.find((key) => run.valSplit === null && sharedByHoldingOut.includes(key));
  if (held !== undefined) {
    throw new UserError(
      `The arm ${name} changes ${held}, and so which pictures are held out to measure it, which all runs of an ablation share; name a validation split.`,
      'usage',
      { settings: ['valSplit'] },
    );
  }
  if (run.teacher.length === 0) checkTeaching(options, `of the arm ${name} `);
  const own = parseRun({ ...run, ...options });
  // An arm that changes such settings alone would be compared with itself.
  const idle = idleSettings(own).find(({ keys: settings }) => settings.some((key) => keys.includes(key)));
  if (idle === undefined) return;
  const changed = idle.keys.filter((key) => keys.includes(key)).join(' and ');
  throw new UserError(
    `The arm ${name} changes ${changed}, which changes nothing ${idle.condition}; leave that out, or change that too.`,
    'usage',
  );
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
 * @throws UserError where another process writes into the folder, or a new ablation finds a run where one of its own would be
 */
export function ablate(job: AblationJob): Promise<Ablation> {
  const { out, train, onRun } = job;
  const runs = runsOf(job.plan, out);
  return file.claimed({ ...job, runs: runs.map((one) => one.out) }, async (given, save) => {
    let plan = given;
    await save(plan);
    for (const [index, one] of runs.entries()) {
      const [arm, { seed }] = [one.arm.name, one.run];
      const last = join(one.out, lastFileName);
      const isBegun = await exists(last);
      const others = plan.done.filter((done) => done.arm !== arm || done.seed !== seed);
      const isDone = others.length < plan.done.length;
      if (isBegun && isDone) continue;
      if (isDone) {
        // Its folder was removed to train it anew: until that has ended, it counts as not done.
        plan = { ...plan, done: others };
        await save(plan);
      }
      onRun?.(one, index + 1, runs.length);
      const { interrupted } = await train({ run: one.run, out: one.out, ...(isBegun ? { resume: last } : {}) });
      if (interrupted) break;
      plan = { ...plan, done: [...plan.done, { arm, seed }] };
      await save(plan);
    }
    return plan;
  });
}
