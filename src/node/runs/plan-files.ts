import { dirname, join, resolve } from 'node:path';
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { exists } from '../files/path-kind.js';

/** What plans several runs, by the file that says so in their folder, and how far above a run's folder that is. */
export const planFiles = [
  { name: 'cross-validation.json', what: 'a cross-validation', above: 1 },
  { name: 'ablation.json', what: 'an ablation', above: 2 },
] as const;
export type PlanFileName = (typeof planFiles)[number]['name'];

export const planNamed = (name: PlanFileName): (typeof planFiles)[number] =>
  name === 'ablation.json' ? planFiles[1] : planFiles[0];

/** @throws UserError (kind `usage`) where a folder is that of several runs, among which another would be lost. */
export async function requireNoPlan(folder: string, own?: PlanFileName): Promise<void> {
  for (const { name, what } of planFiles) {
    if (name === own || !(await exists(join(folder, name)))) continue;
    throw new UserError(`${printable(folder, 4096)} holds ${what}; choose another folder.`, 'usage', {
      settings: ['out'],
    });
  }
}

/** The plan that a run's folder belongs to, and its folder. */
export async function planOf(folder: string): Promise<{ readonly folder: string; readonly what: string } | undefined> {
  for (const { name, what, above } of planFiles) {
    const planned = above === 1 ? dirname(resolve(folder)) : dirname(dirname(resolve(folder)));
    if (await exists(join(planned, name))) return { folder: planned, what };
  }
  return undefined;
}
