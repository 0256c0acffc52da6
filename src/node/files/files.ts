import { unlinkSync } from 'node:fs';
import { type FileHandle, lstat, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type * as z from 'zod';
import { type ErrorKind, UserError } from '../../common/errors.js';
import { parseJson } from '../../common/json.js';
import { printable } from '../../common/printable.js';
import type { ByteSource } from '../../safetensors/byte-source.js';
import { checkPath } from './check-path.js';
import { undoneAtExit } from './ending.js';
import { keptMode, openNew } from './kept-mode.js';
import { removeDeadTemporaries, temporaryFor } from './temporary-files.js';

/** System calls move at most 2 GiB; smaller pieces also keep one write from holding a thread for long. */
const pieceBytes = 64 * 1024 * 1024;

/** What to do about the system errors a user can mend, by what we were doing. */
const remedies: Readonly<Record<string, { readonly reason: string; readonly remedy: string }>> = {
  ENOSPC: { reason: 'the disk is full', remedy: 'free some space and run again' },
  EDQUOT: { reason: 'the disk quota is used up', remedy: 'free some space and run again' },
  EFBIG: { reason: 'it would exceed the largest file allowed here', remedy: 'raise the limit or write elsewhere' },
  EACCES: { reason: 'permission was denied', remedy: 'check who owns it and its folder' },
  EPERM: { reason: 'the operation is not permitted', remedy: 'check who owns it and its folder' },
  EROFS: { reason: 'the file system is read-only', remedy: 'choose another folder' },
  EISDIR: { reason: 'it is a folder', remedy: 'give the path of a file' },
  ENOTDIR: { reason: 'a part of the path is a file where a folder is needed', remedy: 'check the path' },
  EEXIST: { reason: 'something else is in its place', remedy: 'choose another path' },
  ENAMETOOLONG: { reason: 'the path is too long', remedy: 'choose a shorter one' },
  ELOOP: { reason: 'its symbolic links go in circles', remedy: 'check the path' },
  EMFILE: { reason: 'too many files are open', remedy: 'raise the limit of open files' },
  EPIPE: { reason: 'whoever read it has left', remedy: 'what was read is all there is' },
  EIO: { reason: 'the disk reported an error', remedy: 'check the disk' },
};

/** Codes after which no other path helps until a resource is freed. */
const resourceCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'EIO']);

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  // ERR_* come from wrong arguments to Node's own functions: defects, not something the user can mend.
  return error.code.startsWith('ERR_') ? undefined : error.code;
}

/**
 * Turns an error of the file system into a one-sentence `UserError`; anything else comes back unchanged.
 * A full disk (or quota, or file size limit) is of the kind `resources`.
 */
export function explainFileError(error: unknown, doing: 'read' | 'write', path: string): unknown {
  if (error instanceof UserError) return error;
  const code = codeOf(error);
  if (code === undefined) return isNullByte(error) ? withoutNullBytes(doing, path) : error;
  const known = remedies[code];
  let reason = known?.reason ?? `the system reported ${code}`;
  let remedy = known?.remedy ?? 'check the path and the disk';
  if (code === 'ENOENT') {
    reason = doing === 'read' ? 'there is no such file' : `the folder ${printable(dirname(path), 4096)} does not exist`;
    remedy = doing === 'read' ? 'check the path' : 'create it first or choose another';
  }
  // As where the reader of standard output leaves.
  const left: ErrorKind = code === 'EPIPE' ? 'interrupted' : 'input';
  const kind = resourceCodes.has(code) ? 'resources' : left;
  return new UserError(`Cannot ${doing} ${printable(path, 4096)}: ${reason}; ${remedy}.`, kind, { cause: error });
}

/** Node refuses them before it asks the system. */
const isNullByte = (error: unknown): boolean => error instanceof TypeError && /null bytes/.test(error.message);

function withoutNullBytes(doing: 'read' | 'write', path: string): UserError {
  return new UserError(
    `Cannot ${doing} ${printable(path, 4096)}: no file has a null character in its name; check the path.`,
  );
}

/** Writes all of `bytes` at the handle's current position. */
async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const length = Math.min(pieceBytes, bytes.byteLength - done);
    done += (await handle.write(bytes, done, length)).bytesWritten;
  }
}

/** Makes a rename itself durable. Some systems (Windows) and file systems cannot sync a folder: then it is skipped. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch (error) {
    if (!['EINVAL', 'EPERM', 'EISDIR', 'EACCES', 'ENOTSUP', 'EBADF'].includes(codeOf(error) ?? '')) throw error;
  } finally {
    await handle?.close();
  }
}

/**
 * Whether bytes must go into what is at `path`, as nothing can take its place: a device, a pipe, a program's stdout.
 * @throws UserError where it leads to a file that the program has open already: both would write over each other.
 */
async function isWrittenInto(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return false;
  if (!info.isFile()) return !info.isDirectory();
  if (!/^\/(dev\/(stdout|stderr|fd\/)|proc\/)/.test(resolve(path)) || !(await lstat(path)).isSymbolicLink())
    return false;
  throw new UserError(`Cannot write ${path}: it leads to a file that is open already; name a file of its own.`);
}

async function writeInto(path: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(path, 'a');
  try {
    for await (const chunk of chunks) await writeFully(handle, chunk);
  } finally {
    await handle.close();
  }
}

/**
 * Replaces the file at `path` by `content` so that a crash at any moment leaves either the previous file or the new
 * one, whole: the bytes go to a temporary file beside it, which is synced, renamed over it, and the folder is synced.
 * On failure the temporary file is removed and the previous file is untouched. A file that is replaced leaves its permissions to the new
 * one. A device or pipe is written into.
 *
 * Chunks are pulled one at a time and written without being copied, so a checkpoint of any size needs no extra memory;
 * the arrays behind them must not change until the promise settles. Files that belong together are therefore best kept
 * as one file: two renames can never be one step (see `node/checkpoints/last-checkpoint.ts`).
 *
 * @throws UserError when the disk is full (kind `resources`), the folder is missing or cannot be written.
 */
export async function writeFileAtomic(
  path: string,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array> | Uint8Array | string,
): Promise<void> {
  checkPath(path, 'The file to be written');
  const chunks =
    typeof content === 'string' ? [Buffer.from(content)] : content instanceof Uint8Array ? [content] : content;
  if (await isWrittenInto(path)) {
    return writeInto(path, chunks).catch((error: unknown) => {
      throw explainFileError(error, 'write', path);
    });
  }
  await removeDeadTemporaries(dirname(path));
  // A name of its own for each write: two writers of one path cannot mix their bytes, the last one wins.
  const temporary = temporaryFor(path);
  const settled = undoneAtExit(() => unlinkSync(temporary));
  try {
    const handle = await openNew(temporary, await keptMode(path));
    try {
      for await (const chunk of chunks) await writeFully(handle, chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw explainFileError(error, 'write', path);
  } finally {
    settled();
  }
}

/**
 * Opens `path`, hands it to `use`, closes it. Only regular files are opened: a pipe or a device could block or never end.
 * @throws UserError when there is no such file or it cannot be read.
 */
export async function withFile<T>(path: string, use: (file: ByteSource) => Promise<T>): Promise<T> {
  checkPath(path, 'The file to be read');
  let handle: FileHandle | undefined;
  try {
    const before = await stat(path);
    if (!before.isFile() && !before.isDirectory())
      throw new UserError(`Cannot read ${path}: it is not a regular file.`);
    const opened = await open(path, 'r');
    handle = opened;
    const info = await opened.stat();
    if (info.isDirectory()) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' });
    const { size } = info;
    const checkEnd = (end: number): void => {
      if (end > size) throw new UserError(`${path} ends early, at ${size} bytes: it is truncated.`);
    };
    const readInto = async (bytes: Uint8Array, offset: number): Promise<void> => {
      checkEnd(offset + bytes.byteLength);
      let done = 0;
      while (done < bytes.byteLength) {
        const piece = Math.min(pieceBytes, bytes.byteLength - done);
        const { bytesRead } = await opened.read(bytes, done, piece, offset + done);
        if (bytesRead === 0) throw new UserError(`${path} became shorter while it was read: try again.`);
        done += bytesRead;
      }
    };
    const read = async (offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
      // Before allocating: no claim inside a file makes us take more memory than the file is long.
      checkEnd(offset + length);
      const bytes = new Uint8Array(length);
      await readInto(bytes, offset);
      return bytes;
    };
    return await use({ path, size, read, readInto });
  } catch (error) {
    throw explainFileError(error, 'read', path);
  } finally {
    await handle?.close();
  }
}

/**
 * Reads a JSON file and checks it against `schema`.
 * @throws UserError when it is missing, unreadable, no JSON, or does not fit.
 */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw explainFileError(error, 'read', path);
  }
  return parseJson(text, schema, path);
}
