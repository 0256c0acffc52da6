import { copyFile, link, lstat, realpath, stat, symlink, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { UserError } from '../../../common/errors.js';
import { explainFileError } from '../../files/files.js';
import type { ReleasePicture } from './release.js';

/** How pictures of a release get into a dataset: one file under two names, a pointer to the release's file, a copy. */
export const linkKinds = ['hard', 'symbolic', 'copy'] as const;
export type LinkKind = (typeof linkKinds)[number];

/** The file system cannot, or may not, link: other disks, network shares, too many links, somebody else's file. */
const cannotLink: ReadonlySet<string> = new Set([
  ...['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'EACCES', 'ENOSYS'],
]);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Why the file cannot serve as a picture, or undefined. */
export async function unusable(path: string): Promise<string | undefined> {
  try {
    const info = await stat(path);
    if (!info.isFile()) return 'is not a file';
    return info.size === 0 ? 'is empty (0 bytes)' : undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'is not there';
    throw explainFileError(error, 'read', path);
  }
}

/**
 * Puts a picture into a dataset.
 * @param kind undefined: a hard link where the file system can, else a copy.
 * @returns what it became.
 * @throws UserError where the file cannot be read, or `kind` is asked for and not possible.
 */
export async function linkOrCopy(from: string, to: string, kind: LinkKind | undefined): Promise<LinkKind> {
  if (kind !== 'symbolic' && kind !== 'copy') {
    try {
      // A hard link to a symbolic link would depend on where that points.
      await link((await lstat(from)).isSymbolicLink() ? await realpath(from) : from, to);
      return 'hard';
    } catch (error) {
      if (!cannotLink.has(codeOf(error))) throw explainFileError(error, 'write', to);
      if (kind === 'hard') throw refused('hard link', from, error);
    }
  }
  try {
    if (kind !== 'symbolic') {
      await copyFile(from, to);
      return 'copy';
    }
    await symlink(from, to);
    return 'symbolic';
  } catch (error) {
    if (kind === 'symbolic' && cannotLink.has(codeOf(error))) throw refused('symbolic link', from, error);
    throw explainFileError(error, 'write', to);
  }
}

/** Writes a gray picture that a list holds, as a PNG; the same pixels give the same bytes. */
export async function writePixels({ side, data }: NonNullable<ReleasePicture['pixels']>, to: string): Promise<void> {
  const png = await sharp(data, { raw: { width: side, height: side, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  try {
    await writeFile(to, png);
  } catch (error) {
    throw explainFileError(error, 'write', to);
  }
}

function refused(what: string, from: string, error: unknown): UserError {
  const why = codeOf(error) === 'EXDEV' ? 'the output lies on another disk' : `the system reported ${codeOf(error)}`;
  return new UserError(`Cannot make a ${what} to ${from}: ${why}; choose another kind of link.`, 'input', {
    settings: ['link'],
    cause: error,
  });
}
