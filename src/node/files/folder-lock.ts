import { randomUUID } from 'node:crypto';
import { readFileSync, unlinkSync } from 'node:fs';
import { constants, copyFile, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { explainFileError } from './files.js';
import { makeFolder, removeIfEmpty } from './output-paths.js';
import { type ProcessState, stateOf, thisProcess } from './process-identity.js';
import { removeTemporaries, temporaryFor } from './temporary-files.js';

/** In a folder that a process writes into: which process that is. */
export const lockFileName = 'poster.lock';

const lockSchema = z.object({
  pid: z.int().min(1),
  host: z.string().max(300),
  machine: z.string().nullable(),
  boot: z.string().nullable(),
  namespace: z.string().nullable(),
  started: z.string().nullable(),
  /** ISO 8601. */
  since: z.string().max(40),
});
type Lock = z.infer<typeof lockSchema>;

/** A folder that nobody else writes into. */
export interface FolderLock {
  /** Lets others write. */
  release(): Promise<void>;
}

/**
 * Makes a folder this process's own to write into, until it is released or the process ends: by a file that says which
 * process it is. One that a killed process left is taken away.
 * @param folder must exist
 * @throws UserError where a living process has it, or one of another machine, which cannot be seen from here.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, lockFileName);
  // The same process may lock it twice in a millisecond.
  const id = randomUUID();
  const text = `${JSON.stringify({ ...(await thisProcess()), since: new Date().toISOString(), id })}\n`;
  for (let attempt = 0; attempt < 20; attempt++) {
    if (await create(path, text)) return held(path, text);
    const found = await readSettled(path);
    if (found === undefined) continue;
    // Whoever took it for the lock it had seen before has put it back.
    if (found === text) return held(path, text);
    const lock = parseLock(found);
    // Not whole: whoever made it was killed in the middle.
    const state = lock === undefined ? 'gone' : await stateOf(lock);
    if (lock !== undefined && state !== 'gone') throw busy(folder, path, lock, state);
    await takeAway(path, found);
  }
  throw new UserError(`${printable(folder, 4096)} cannot be locked: others do so all the time; choose another folder.`);
}

function busy(folder: string, path: string, { pid, host, since }: Lock, state: ProcessState): UserError {
  const name = printable(folder, 4096);
  const when = printable(since);
  return new UserError(
    state === 'running'
      ? `Process ${pid} has been writing into ${name} since ${when}; wait until it ends, or choose another folder.`
      : `Process ${pid} of '${printable(host)}', another machine or container, has been writing into ${name} since ${when}; ` +
          `choose another folder, or remove ${printable(path, 4096)} if that process is gone.`,
    'usage',
  );
}

/** @returns whether the file was not there, and is ours now */
async function create(path: string, text: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    // Whoever found it empty for long may have taken it away.
    return (await read(path)) === text;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw explainFileError(error, 'write', path);
  }
}

/** More than any lock has: whatever else lies in its place is not read to the end. */
const longestLock = 4096;

async function read(path: string): Promise<string | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(longestLock), 0, longestLock, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw explainFileError(error, 'read', path);
  }
}

/** The file's text, once it is whole or has had time to become so. */
async function readSettled(path: string): Promise<string | undefined> {
  let text: string | undefined;
  for (let attempt = 0; attempt < 10; attempt++) {
    text = await read(path);
    if (text === undefined || parseLock(text) !== undefined) return text;
    await sleep(100);
  }
  return text;
}

function parseLock(text: string): Lock | undefined {
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Removes the lock that was found; if somebody else has replaced it meanwhile, theirs is put back. */
async function takeAway(path: string, found: string): Promise<void> {
  const aside = temporaryFor(path);
  try {
    // To find out whose it is may have taken a while.
    if ((await read(path)) !== found) return;
    await rename(path, aside);
    if ((await read(aside)) !== found) await copyFile(aside, path, constants.COPYFILE_EXCL).catch(() => undefined);
    await unlink(aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw explainFileError(error, 'write', path);
  }
}

function held(path: string, text: string): FolderLock {
  const release = (): void => {
    try {
      if (readFileSync(path, 'utf8') === text) unlinkSync(path);
    } catch {
      // Somebody has removed it, or the folder.
    }
  };
  process.once('exit', release);
  return {
    release: async () => {
      process.removeListener('exit', release);
      release();
    },
  };
}

/** A folder that is locked, and that goes again where nothing came into it. */
export interface ClaimedFolder {
  leave(): Promise<void>;
}

/**
 * Makes a folder where there is none, locks it, and removes what killed processes left of half-written files.
 * @param files names of those that are written in it, under the lock only
 * @throws UserError where it cannot be made, or another process writes into it.
 */
export async function claimFolder(folder: string, files: readonly string[]): Promise<ClaimedFolder> {
  const made = await makeFolder(folder);
  try {
    const lock = await lockFolder(folder);
    await removeTemporaries(folder, [...files, lockFileName]);
    return {
      leave: async () => {
        await lock.release();
        await removeIfEmpty(made);
      },
    };
  } catch (error) {
    await removeIfEmpty(made);
    throw error;
  }
}
