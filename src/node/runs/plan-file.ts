import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { lastFileName } from '../../safetensors/index.js';
import { readJson, writeFileAtomic } from '../files/files.js';
import { claimFolder } from '../files/folder-lock.js';
import { exists } from '../files/path-kind.js';
import { type PlanFileName, planNamed, requireNoPlan } from './plan-files.js';
import { requireNoWeights } from './resume.js';

/** What a plan file holds: several runs of one folder, and which of them are done. */
interface Plan {
  readonly done: readonly unknown[];
}

export interface PlanFileRules<Own extends Plan> {
  /** Of the file. */
  readonly name: PlanFileName;
  readonly schema: z.ZodType<Own>;
}

export interface PlannedWork<Own extends Plan> {
  readonly out: string;
  readonly plan: Own;
  /** Whether the folder holds this plan already. */
  readonly goesOn: boolean;
  /** Folders of all its runs. A plan that begins finds none there: it would go on with what it has not planned. */
  readonly runs: readonly string[];
}

/** A file that says in the folder of several runs what they are and how far they have got. */
export interface PlanFile<Own extends Plan> {
  readonly name: string;
  pathIn(folder: string): string;
  /** @throws UserError where there is none, or not one of this version. */
  read(folder: string): Promise<Own>;
  /** The folder that a path to go on with means, which is the folder itself, or its file. */
  folderOf(path: string): string;
  isIn(folder: string): Promise<boolean>;
  /**
   * Works while no other process writes into the folder.
   * @param work is given the plan as it is then, and what saves another
   * @throws UserError where another process writes into the folder, or where a new plan finds one there, or a run
   */
  claimed<Result>(
    job: PlannedWork<Own>,
    work: (plan: Own, save: (plan: Own) => Promise<void>) => Promise<Result>,
  ): Promise<Result>;
}

export function planFile<Own extends Plan>({ name, schema }: PlanFileRules<Own>): PlanFile<Own> {
  const { what } = planNamed(name);
  const pathIn = (folder: string): string => join(folder, name);
  const read = (folder: string): Promise<Own> => readJson(pathIn(folder), schema);
  const isIn = (folder: string): Promise<boolean> => exists(pathIn(folder));
  const requireNone = async (folder: string): Promise<void> => {
    if (await exists(join(folder, lastFileName))) {
      throw new UserError(
        `${printable(folder, 4096)} holds a single run, not ${what}; choose another folder.`,
        'usage',
        {
          settings: ['out'],
        },
      );
    }
    await requireNoPlan(folder, name);
    if (!(await isIn(folder))) return;
    throw new UserError(
      `${folder} already holds ${what}; resume it (resume from ${folder}) or choose another folder.`,
      'usage',
      { settings: ['resume', 'out'] },
    );
  };
  return {
    name,
    pathIn,
    read,
    folderOf: (path) => (basename(path) === name ? dirname(path) : path),
    isIn,
    async claimed({ out, plan, goesOn, runs }, work) {
      const save = (next: Own): Promise<void> => writeFileAtomic(pathIn(out), `${JSON.stringify(next, null, 2)}\n`);
      const folder = await claimFolder(out, [name]);
      try {
        if (goesOn) return await work({ ...plan, done: (await read(out)).done }, save);
        await requireNone(out);
        for (const run of runs) await requireNoWeights(run);
        try {
          return await work(plan, save);
        } catch (error) {
          // Nothing was begun: the same command, mended, must find no plan in its way.
          const begun = await Promise.all(runs.map(exists));
          if (!begun.includes(true)) await rm(pathIn(out), { force: true });
          throw error;
        }
      } finally {
        await folder.leave();
      }
    },
  };
}
