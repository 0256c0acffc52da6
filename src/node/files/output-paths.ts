import { access, constants, mkdir, realpath, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../common/errors.js';
import { explainFileError } from './files.js';
import { exists, isFolder } from './path-kind.js';

/** A path that something is to be written to, and the option that named it. */
export interface NamedOutput {
  readonly option: string;
  readonly path: string;
}

/** @throws UserError where writing to `path` would destroy a file that is read. */
export type InputGuard = (option: string, path: string) => Promise<void>;

/** The same for all paths of one file: links of either kind, detours, other spellings. */
async function identityOf(path: string): Promise<string> {
  const info = await stat(path, { bigint: true }).catch(() => undefined);
  if (info !== undefined) return `${info.dev}:${info.ino}`;
  const folder = await realpath(dirname(path)).catch(() => resolve(dirname(path)));
  return join(folder, basename(path));
}

/** Files of a folder of weights or of a run, which are read when the folder is named. */
const filesOfWeights = [
  ...['best.safetensors', 'last.safetensors', 'model.safetensors', 'pytorch_model.bin', join('onnx', 'model.onnx')],
  ...['run.json', 'metrics.jsonl', 'config.json', 'preprocessor_config.json'],
];

/** The file itself, or those of a folder of weights. */
async function filesOf(path: string): Promise<readonly string[]> {
  if (!(await isFolder(path))) return [path];
  const files = filesOfWeights.map((name) => join(path, name));
  const there = await Promise.all(files.map(exists));
  return files.filter((_, i) => there[i]);
}

/**
 * Remembers which files are read, so that no result is written over one. What is not there yet is no trouble.
 * @param inputs files, and folders of weights
 */
export async function guardInputs(inputs: readonly string[]): Promise<InputGuard> {
  const files = (await Promise.all(inputs.map(filesOf))).flat();
  const known = new Map(await Promise.all(files.map(async (path) => [await identityOf(path), path] as const)));
  return async (option, path) => {
    const input = known.get(await identityOf(path));
    if (input === undefined) return;
    throw new UserError(
      `${option} would write over ${input}, which is to be read; name another file or folder.`,
      'usage',
    );
  };
}

/**
 * Looks at a file that is to be written, before the work that fills it: that it is no folder, and in a folder that is there and
 * may be written. A file that is there is replaced by another one, for which its own permission is not enough.
 * @returns whether it is one: devices and pipes take what anybody writes
 * @throws UserError
 */
export async function checkOutputFile(path: string): Promise<boolean> {
  try {
    const info = await stat(path).catch(() => undefined);
    if (info?.isDirectory() === true) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' });
    if (info !== undefined && !info.isFile()) return false;
    await access(dirname(path), constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    throw explainFileError(error, 'write', path);
  }
}

/**
 * The same for all files of a command, of which none may be named twice.
 * @throws UserError
 */
export async function checkOutputFiles(outputs: readonly NamedOutput[]): Promise<void> {
  const optionsByIdentity = new Map<string, string>();
  for (const { option, path } of outputs) {
    if (!(await checkOutputFile(path))) continue;
    const identity = await identityOf(path);
    const other = optionsByIdentity.get(identity);
    if (other !== undefined) {
      throw new UserError(`${other} and ${option} both name ${path}; name two files.`, 'usage');
    }
    optionsByIdentity.set(identity, option);
  }
}

/**
 * Looks whether a folder is there or can be made, before the work whose results go there.
 * @throws UserError
 */
export async function checkFolderFor(path: string): Promise<void> {
  try {
    const info = await stat(path);
    if (!info.isDirectory()) throw Object.assign(new Error('is a file'), { code: 'EEXIST' });
    await access(path, constants.W_OK);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const above = dirname(resolve(path));
    if (!missing || above === resolve(path)) throw explainFileError(error, 'write', path);
    await checkFolderFor(above);
  }
}

/**
 * Makes a folder and those above it. Node's own way to do so never ends below /proc, which denies that a folder is there
 * in which none can be made.
 * @returns the folders that were not there before, from the uppermost on
 * @throws UserError
 */
export async function makeFolder(path: string): Promise<string[]> {
  try {
    await mkdir(path);
    return [path];
  } catch (error) {
    if (await isFolder(path)) return [];
    const above = dirname(resolve(path));
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!missing) throw explainFileError(error, 'write', path);
    if (await isFolder(above)) {
      throw new UserError(`Cannot write ${path}: no folder can be made in ${above}; choose another.`);
    }
    const made = await makeFolder(above);
    try {
      await mkdir(path);
      return [...made, path];
    } catch (second) {
      // Somebody else may have made it meanwhile.
      if (await isFolder(path)) return made;
      throw explainFileError(second, 'write', path);
    }
  }
}

/** A folder that was not there before. */
export interface NewFolder {
  readonly path: string;
  /** The folders that were made: this one, and those above it that were missing. */
  readonly made: readonly string[];
}

/**
 * Makes `name`, `name-2`, `name-3`, ... in a folder: the first that is not there. Of several processes that do so at once
 * each gets another.
 * @throws UserError
 */
export async function newFolder(above: string, name: string): Promise<NewFolder> {
  const made = await makeFolder(above);
  for (let n = 1; ; n++) {
    const path = join(above, n === 1 ? name : `${name}-${n}`);
    try {
      await mkdir(path);
      return { path, made: [...made, path] };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') continue;
      await removeIfEmpty(made);
      throw explainFileError(error, 'write', path);
    }
  }
}

/** Removes folders of {@link makeFolder}, as far as they are empty. */
export async function removeIfEmpty(made: readonly string[]): Promise<void> {
  for (const path of made.toReversed()) await rmdir(path).catch(() => undefined);
}
