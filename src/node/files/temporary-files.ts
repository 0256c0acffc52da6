import { randomBytes } from 'node:crypto';
import { readdir, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isPidInUse, machineHash } from './process-identity.js';

/**
 * `last.safetensors.<machine><process><random>.tmp`, eight hexadecimal digits each; of early versions twelve, all random. An
 * ending may follow, for programs that go by it.
 */
const pattern = /^(.+)\.(?:([0-9a-f]{8})([0-9a-f]{8})[0-9a-f]{8}|[0-9a-f]{12})\.tmp(?:\.\w+)?$/;

/** A name beside `path`, to write to until it takes that file's place. It tells which process writes. */
export function temporaryFor(path: string): string {
  const pid = process.pid.toString(16).padStart(8, '0');
  return join(dirname(path), `${basename(path)}.${machineHash()}${pid}${randomBytes(4).toString('hex')}.tmp`);
}

const cleaned = new Set<string>();

/**
 * Removes temporary files that processes of this machine left behind when they were killed. Those of living processes, of
 * other machines and of unknown ones stay. A folder is read once in the life of this process.
 */
export async function removeDeadTemporaries(folder: string): Promise<void> {
  const path = resolve(folder);
  if (cleaned.has(path)) return;
  cleaned.add(path);
  const here = machineHash();
  await removeWhere(path, (_, machine, pid) => {
    return machine === here && pid !== undefined && !isPidInUse(Number.parseInt(pid, 16));
  });
}

/** Removes all temporary files of some files: for whoever alone may write them. @param names of files in `folder` */
export function removeTemporaries(folder: string, names: readonly string[]): Promise<void> {
  return removeWhere(folder, (name) => names.includes(name));
}

async function removeWhere(
  folder: string,
  isWanted: (name: string, machine: string | undefined, pid: string | undefined) => boolean,
): Promise<void> {
  for (const entry of await readdir(folder).catch(() => [])) {
    const [, name, machine, pid] = pattern.exec(entry) ?? [];
    if (name === undefined || !isWanted(name, machine, pid)) continue;
    // Best effort: a file that another process removed meanwhile is no trouble.
    await unlink(join(folder, entry)).catch(() => undefined);
  }
}
