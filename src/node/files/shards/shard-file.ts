import { unlinkSync } from 'node:fs';
import { type FileHandle, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { closeAll } from '../../../common/close-all.js';
import { UserError } from '../../../common/errors.js';
import { itemAt } from '../../../common/item-at.js';
import { printable } from '../../../common/printable.js';
import type { Shard } from '../../../common/shares.js';
import { undoneAtExit } from '../ending.js';
import { explainFileError, withFile } from '../files.js';
import { keptMode, openNew } from '../kept-mode.js';
import { makeFolder } from '../output-paths.js';
import { exists } from '../path-kind.js';
import { removeDeadTemporaries, temporaryFor } from '../temporary-files.js';
import { type ScannedShard, scanShard } from './scan-shard.js';
import { differenceOf, type ShardHeader } from './shard-header.js';
import { shardLine } from './shard-lines.js';

/** Ending of shard files. */
export const shardEnding = '.shard';

/** Where a shard's results lie in a folder for all of them. */
export const shardPath = (folder: string, { index, count }: Shard): string =>
  join(folder, `${index}-of-${count}${shardEnding}`);

/** The results of a shard, which grow unit by unit. */
export interface ShardFile {
  /** How many of the shard's units have a result already: the first ones. */
  readonly done: number;
  /** Writes the result of the next unit. @throws UserError where it cannot be written. */
  add(result: object): Promise<void>;
  /** Makes what was written durable. */
  close(): Promise<void>;
}

/** Bytes that are copied at once. */
const piece = 4 * 1024 * 1024;

/**
 * Opens the file of a shard, or goes on where a process before stopped. What that one wrote is copied to a file that takes the
 * other's place: whoever still writes, on this machine or another, then writes to a file without a name, and spoils nothing.
 * @param units of the shard, ascending
 * @throws UserError where the file holds other work, or cannot be written.
 */
export async function openShardFile(path: string, header: ShardHeader, units: readonly number[]): Promise<ShardFile> {
  await makeFolder(dirname(path));
  await removeDeadTemporaries(dirname(path));
  const before = (await exists(path)) ? await scanShard(path) : undefined;
  const done = before === undefined ? 0 : unitsDone(before, header, units);
  if (before !== undefined && done === units.length) return { done, add: refused, close: async () => undefined };
  const fail = (error: unknown): never => {
    throw explainFileError(error, 'write', path);
  };
  const handle = await begun(path, header, before, done).catch(fail);
  let next = done;
  return {
    done,
    async add(result) {
      const line = shardLine(itemAt(units, next++), result);
      await handle.appendFile(line).catch(fail);
    },
    close: () =>
      closeAll(
        () => handle.sync().catch(fail),
        () => handle.close(),
      ),
  };
}

const refused = async (): Promise<void> => {
  throw new Error('a complete shard takes no result');
};

function unitsDone({ path, header: found, units: there }: ScannedShard, header: ShardHeader, units: readonly number[]) {
  const difference =
    differenceOf(found, header) ?? (found.shard.index === header.shard.index ? undefined : 'their numbers differ');
  if (difference !== undefined) {
    throw new UserError(
      `${printable(path, 4096)} holds other work than this shard's (${difference}); remove it, or choose another folder.`,
    );
  }
  const other = there.findIndex((unit, i) => unit !== units[i]);
  return other < 0 ? there.length : other;
}

async function begun(
  path: string,
  header: ShardHeader,
  before: ScannedShard | undefined,
  done: number,
): Promise<FileHandle> {
  const temporary = temporaryFor(path);
  const settled = undoneAtExit(() => unlinkSync(temporary));
  const handle = await openNew(temporary, await keptMode(path));
  try {
    if (before === undefined) await handle.appendFile(shardLine(undefined, header));
    else await copyTo(handle, before.path, itemAt(before.ends, done));
    await handle.sync();
    await rename(temporary, path);
    return handle;
  } catch (error) {
    await handle.close();
    await unlink(temporary).catch(() => undefined);
    throw error;
  } finally {
    settled();
  }
}

async function copyTo(handle: FileHandle, path: string, bytes: number): Promise<void> {
  for (let at = 0; at < bytes; at += piece) {
    await handle.appendFile(await withFile(path, (file) => file.read(at, Math.min(piece, bytes - at))));
  }
}
