import { chmod, type FileHandle, lstat, open } from 'node:fs/promises';

/**
 * The permissions of the file that another one is about to replace: what its owner keeps from others must not become readable. Undefined
 * where there is none or no file of its own, such as a link, whose target keeps its own; and on Windows, where a file has no such.
 */
export async function keptMode(path: string): Promise<number | undefined> {
  if (process.platform === 'win32') return undefined;
  const info = await lstat(path).catch(() => undefined);
  return info?.isFile() === true ? info.mode & 0o777 : undefined;
}

/** Opens a new file to write into; with a mode it is at no time readable to more than that says. */
export async function openNew(path: string, mode: number | undefined): Promise<FileHandle> {
  const handle = await open(path, 'wx', mode);
  // Some file systems have no permissions. What the process's mask takes away comes back here.
  if (mode !== undefined) await handle.chmod(mode).catch(() => undefined);
  return handle;
}

/** The same for a file that another program writes, which has to be able to. */
export async function makeNew(path: string, mode: number): Promise<void> {
  await (await openNew(path, mode | 0o600)).close();
}

export const giveMode = (path: string, mode: number): Promise<void> => chmod(path, mode).catch(() => undefined);
