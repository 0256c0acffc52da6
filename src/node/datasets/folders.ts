import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../common/errors.js';
import { pictureName } from '../../common/picture-names.js';
import { explainFileError } from '../files/files.js';
import { exists } from '../files/path-kind.js';

/** Pictures prepared elsewhere. */
export const tensorName = /\.npy$/i;

/** Order of Python's `sorted` on strings, which torchvision's ImageFolder uses: by code point. */
export function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

async function entries(folder: string): Promise<Dirent[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).filter((entry) => !entry.name.startsWith('.'));
  } catch (error) {
    throw explainFileError(error, 'read', folder);
  }
}

/** 'folder', 'file' or 'other', following symbolic links. */
async function kindOf(entry: Dirent, path: string): Promise<'folder' | 'file' | 'other'> {
  if (entry.isDirectory()) return 'folder';
  if (entry.isFile()) return 'file';
  if (!entry.isSymbolicLink()) return 'other';
  try {
    const info = await stat(path);
    return info.isDirectory() ? 'folder' : info.isFile() ? 'file' : 'other';
  } catch (error) {
    // A link to a missing picture, to itself or to where we may not look is found, and told, when the picture is read.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'EACCES') return 'file';
    throw explainFileError(error, 'read', path);
  }
}

/** Names of the folders in `folder`, sorted; hidden ones left out. */
export async function foldersIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await entries(folder)) {
    if ((await kindOf(entry, join(folder, entry.name))) === 'folder') names.push(entry.name);
  }
  return names.sort(byCodePoint);
}

/** Names of the files in `folder`, sorted; hidden ones left out. */
export async function filesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await entries(folder)) {
    if ((await kindOf(entry, join(folder, entry.name))) === 'file') names.push(entry.name);
  }
  return names.sort(byCodePoint);
}

/** Whether there is a folder at `path`. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw explainFileError(error, 'read', path);
  }
}

/**
 * Pictures below a folder, as paths relative to it with `/` between parts, in ImageFolder's order: folder by folder,
 * both sorted by code point. Symbolic links are followed.
 * @param isWanted which names count
 * @param recursive also those of folders within
 * @param circles links back to a folder above are refused, or passed over: what they lead to is listed anyway
 * @throws UserError where links lead in a circle that is refused.
 */
export async function picturesIn(
  root: string,
  isWanted = pictureName,
  recursive = true,
  circles: 'refuse' | 'pass over' = 'refuse',
): Promise<string[]> {
  const byFolder: { readonly folder: string; readonly files: string[] }[] = [];
  const walk = async (relative: string, above: readonly string[]): Promise<void> => {
    const folder = join(root, relative);
    const real = await realpath(folder);
    if (above.includes(real)) {
      if (circles === 'pass over') return;
      throw new UserError(`Folder ${folder} links back to a folder that contains it; remove the symbolic link.`);
    }
    const files: string[] = [];
    byFolder.push({ folder: relative, files });
    for (const entry of await entries(folder)) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      const kind = await kindOf(entry, join(root, path));
      if (kind === 'folder' && recursive) await walk(path, [...above, real]);
      else if (kind === 'file' && isWanted.test(entry.name)) files.push(path);
    }
    files.sort(byCodePoint);
  };
  await walk('', []);
  byFolder.sort((a, b) => byCodePoint(a.folder, b.folder));
  return byFolder.flatMap(({ files }) => files);
}

/** Whether `picturesIn` would find any picture. */
export async function holdsPictures(root: string, isWanted = pictureName): Promise<boolean> {
  const visit = async (folder: string, above: readonly string[]): Promise<boolean> => {
    const real = await realpath(folder);
    if (above.includes(real)) return false;
    const folders: string[] = [];
    for (const entry of await entries(folder)) {
      const kind = await kindOf(entry, join(folder, entry.name));
      if (kind === 'file' && isWanted.test(entry.name)) return true;
      if (kind === 'folder') folders.push(join(folder, entry.name));
    }
    for (const below of folders) if (await visit(below, [...above, real])) return true;
    return false;
  };
  return await visit(root, []);
}

/** Of paths below `root`, with `/` between parts, those that lead through no link back to a folder above. */
export async function outsideCircles(root: string, paths: readonly string[]): Promise<string[]> {
  // For each folder where it really is and where those above it are; undefined within a circle.
  const known = new Map<string, readonly string[] | undefined>([['', [await realpath(root).catch(() => root)]]]);
  const chainOf = async (folder: string): Promise<readonly string[] | undefined> => {
    if (known.has(folder)) return known.get(folder);
    const above = await chainOf(folder.slice(0, Math.max(0, folder.lastIndexOf('/'))));
    const real = await realpath(join(root, folder)).catch(() => join(root, folder));
    const chain = above === undefined || above.includes(real) ? undefined : [...above, real];
    known.set(folder, chain);
    return chain;
  };
  const kept: string[] = [];
  for (const path of paths) {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    // What leads out of the root may well lead to a folder above.
    if (path.startsWith('..') || (await chainOf(folder)) !== undefined) kept.push(path);
  }
  return kept;
}

/**
 * @param advice what to give in its place
 * @throws UserError where nothing is there, or no folder
 */
export async function requireFolder(path: string, advice: string): Promise<void> {
  if (await isFolder(path)) return;
  throw new UserError(`${(await exists(path)) ? `${path} is no folder` : `There is no folder ${path}`}; ${advice}.`);
}
