import { stat } from 'node:fs/promises';

/*
 * What is at a path, links followed. What may not be looked at is taken as not there: whoever reads it says why not.
 */

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/** A regular file: no device, no pipe. */
export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}
