import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../../common/errors.js';
import { explainFileError } from '../../files/files.js';
import { makeFolder } from '../../files/output-paths.js';

/** Untouched for so long, what another process was building counts as left behind. */
const abandonedSeconds = 3600;

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** The output folder must not exist, or be empty. */
async function refuseOccupied(out: string): Promise<void> {
  try {
    if ((await readdir(out)).length > 0) {
      throw new UserError(`Folder ${out} is not empty; choose another for the prepared dataset, or empty it first.`);
    }
  } catch (error) {
    if (!isMissing(error)) throw explainFileError(error, 'write', out);
  }
}

/** When something was last put into a folder, or into those one and two levels below, in milliseconds. */
async function lastTouched(folder: string, levels = 2): Promise<number> {
  const own = (await stat(folder)).mtimeMs;
  if (levels === 0) return own;
  const below = await readdir(folder, { withFileTypes: true });
  const times = await Promise.all(
    below.filter((entry) => entry.isDirectory()).map(({ name }) => lastTouched(join(folder, name), levels - 1)),
  );
  return Math.max(own, ...times);
}

/** Removes what killed processes left while building `target`. What a live one may still write stays. */
async function removeAbandoned(target: string): Promise<void> {
  const parent = dirname(target);
  const start = `.${basename(target)}.`;
  for (const name of await readdir(parent).catch(() => [])) {
    if (!name.startsWith(start) || !/^[0-9a-f]{12}\.partial$/.test(name.slice(start.length))) continue;
    const folder = join(parent, name);
    // Best effort: another process may remove it meanwhile.
    const touched = await lastTouched(folder).catch(() => Number.POSITIVE_INFINITY);
    if (Date.now() - touched > abandonedSeconds * 1000) {
      await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

/**
 * Makes the folder `target`, complete or not at all: `fill` gets a folder beside it, which takes its name at the end and
 * is removed on failure. So a run that was stopped is simply started again.
 * @throws UserError where `target` is not empty, or cannot be written; whatever `fill` throws.
 */
export async function buildFolder<T>(target: string, fill: (folder: string) => Promise<T>): Promise<T> {
  await refuseOccupied(target);
  await removeAbandoned(target);
  const building = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.partial`);
  try {
    await makeFolder(dirname(target));
    await mkdir(building);
    const result = await fill(building);
    // Only an empty folder can be removed: whatever came into it meanwhile is kept, and told.
    await rmdir(target).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    await rename(building, target);
    return result;
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw explainFileError(error, 'write', target);
  }
}
