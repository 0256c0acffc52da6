import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { countText } from '../common/count-text.js';
import { UserError } from '../common/errors.js';
import { pictureName } from '../common/picture-names.js';
import { printable, shownAddress } from '../common/printable.js';
import { whenAborted } from '../common/signals.js';
import { tooManyBytes } from '../image/checked-header.js';
import type { ImageDecoder } from '../image/image-source.js';
import { maxFileBytes } from '../image/picture-limits.js';
import { byCodePoint, foldersIn, outsideCircles, picturesIn } from '../node/datasets/folders.js';
import { decodeImage, encodedBytes } from '../node/decode/decode-image.js';
import { explainFileError } from '../node/files/files.js';
import { note } from './context.js';
import { stdinChunks } from './stdin.js';

/** A picture that was named, or found in a folder. */
export interface PictureInput {
  /** What results call it: a path as it was given or as a file:// address means it, an address, or `-`. */
  readonly name: string;
  /** Path below the folder or beside the fixed part of the glob that it was found in; for names of files made from it. */
  readonly relativePath: string;
  /** `-` for standard input: see `decodeInput`. */
  readonly image: string | URL;
}

/** A folder or glob that stands for no picture. */
export interface WithoutPictures {
  readonly name: string;
  readonly reason: UserError;
}

export interface PictureInputs {
  readonly inputs: readonly PictureInput[];
  /** Told beside the results of the others. */
  readonly without: readonly WithoutPictures[];
}

/** The help text of a command's arguments that `findPictures` takes. */
export const pictureArguments = "pictures, folders, globs ('photos/**/*.jpg'), http(s) URLs, - for standard input";

export const recursiveOption = (): Option => new Option('-r, --recursive', 'include subfolders');

/**
 * The pictures that the arguments of a command stand for, as `pictureInputs` finds them. Notes what is passed over.
 * @throws UserError where there is no picture at all
 */
export async function findPictures(names: readonly string[], walk: FolderWalk): Promise<PictureInputs> {
  const { notes, ...found } = await pictureInputs(names, walk);
  for (const sentence of notes) note(`Note: ${sentence}`);
  return found;
}

/** The files among pictures, which no result may be written over. */
export const filesOf = (inputs: readonly PictureInput[]): string[] =>
  inputs.flatMap(({ image }) => (typeof image === 'string' && image !== '-' ? [image] : []));

/** What arguments of a command stand for, and what was passed over: a sentence each. */
interface NamedPictures extends PictureInputs {
  readonly notes: readonly string[];
}

/**
 * What the arguments of a command stand for: `-`, addresses, files, pictures of folders and of globs, in this order, within a
 * folder sorted by name. Files that are named need not be there yet: that is told when they are read.
 *
 * @param walk of the folders and globs among them
 * @throws UserError where there is no picture at all
 */
export async function pictureInputs(given: readonly string[], walk: FolderWalk): Promise<NamedPictures> {
  const names = localPaths(given);
  if (names.filter((name) => name === '-').length > 1) {
    throw new UserError('Standard input (-) can be read once only; name it once.', 'usage');
  }
  const inputs: PictureInput[] = [];
  const without: WithoutPictures[] = [];
  const notes: string[] = [];
  for (const name of names) {
    try {
      for (const input of await inputsOf(name, walk)) inputs.push(input);
      const left = (await walk.within(name))?.foldersLeft ?? 0;
      if (left > 0)
        notes.push(
          `${countText(left, 'folder')} within ${printable(name, 4096)} ${left === 1 ? 'is' : 'are'} skipped; --recursive searches ${left === 1 ? 'it' : 'them'} too.`,
        );
    } catch (error) {
      if (!(error instanceof UserError) || error.kind !== 'input') throw error;
      without.push({ name, reason: error });
    }
  }
  if (inputs.length === 0 && without.length === 1) throw without[0]?.reason;
  return { inputs, without, notes };
}

async function inputsOf(name: string, walk: FolderWalk): Promise<PictureInput[]> {
  if (name === '-') return [{ name: 'standard input', relativePath: 'stdin', image: name }];
  if (schemeOf(name) !== undefined) return [fromAddress(name)];
  const within = await walk.within(name);
  if (within === undefined) return [fromFile(name, basename(name))];
  const found = within.files.filter(({ path }) => pictureName.test(path));
  if (found.length > 0) return found.map(({ path, relativePath }) => fromFile(path, relativePath));
  const shown = printable(name, 4096);
  if (within.kind === 'glob') {
    throw new UserError(`No ${within.files.length === 0 ? 'file' : 'picture'} matches ${shown}; check the pattern.`);
  }
  const advice =
    within.foldersLeft === 0 ? 'name another folder' : 'with --recursive folders within it are searched too';
  throw new UserError(`Folder ${shown} has no pictures; ${advice}.`);
}

/** What a folder or a glob stands for. */
export interface FilesWithin {
  readonly kind: 'folder' | 'glob';
  /** Sorted; `relativePath` is the path below the folder or beside the fixed part of the glob. */
  readonly files: readonly { readonly path: string; readonly relativePath: string }[];
  /** How many folders lie within a folder that is not searched with those. */
  readonly foldersLeft: number;
}

/** The files of folders and globs. Each is searched once, however often it is asked for. */
export interface FolderWalk {
  /** Also folders within folders. */
  readonly recursive: boolean;
  /**
   * All files of a folder or glob; undefined for anything else.
   * @throws UserError for a folder that cannot be read
   */
  within(name: string): Promise<FilesWithin | undefined>;
}

export function folderWalk(recursive: boolean): FolderWalk {
  const found = new Map<string, Promise<FilesWithin | undefined>>();
  return {
    recursive,
    within: (name) => {
      const files = found.get(name) ?? filesWithin(name, recursive);
      found.set(name, files);
      return files;
    },
  };
}

async function filesWithin(name: string, recursive: boolean): Promise<FilesWithin | undefined> {
  if (name === '-' || schemeOf(name) !== undefined) return undefined;
  const info = await stat(name).catch(() => undefined);
  if (info?.isDirectory() === true) {
    const files = await ofFolder(name, recursive);
    return { kind: 'folder', files, foldersLeft: recursive ? 0 : (await foldersIn(name)).length };
  }
  if (info === undefined && /[*?[\]{}]/.test(name)) return { kind: 'glob', files: await ofGlob(name), foldersLeft: 0 };
  return undefined;
}

function fromFile(path: string, relativePath: string): PictureInput {
  // A path that begins with ./ is no standard input.
  return { name: path, relativePath, image: path === '-' ? './-' : path };
}

function fromAddress(address: string): PictureInput {
  if (!URL.canParse(address)) {
    throw new UserError(`${printable(address)} is no valid address; check how it is spelled.`, 'usage');
  }
  const url = new URL(address);
  if (!isFetched(url)) {
    throw new UserError(
      `${printable(shownAddress(address))} cannot be fetched: its scheme is ${url.protocol.slice(0, -1)}; give an http or https address, or a file.`,
      'usage',
    );
  }
  const last = url.pathname.split('/').findLast((part) => part !== '');
  return { name: shownAddress(address), relativePath: last ?? url.hostname, image: url };
}

const isFetched = ({ protocol }: URL): boolean => /^https?:$/.test(protocol);

/** What comes before `://` in an address. A single letter is a drive. */
export const schemeOf = (name: string): string | undefined => /^[a-z][a-z\d+.-]+(?=:\/\/)/i.exec(name)?.[0];

/**
 * Arguments with the paths that file:// addresses among them mean.
 * @throws UserError for one that means no file of this machine
 */
export function localPaths(names: readonly string[]): string[] {
  return names.map((name) => {
    if (schemeOf(name)?.toLowerCase() !== 'file') return name;
    try {
      return fileURLToPath(name);
    } catch {
      throw new UserError(`${printable(name)} names no file of this machine; give its path.`, 'usage');
    }
  });
}

async function ofFolder(folder: string, recursive: boolean): Promise<FilesWithin['files']> {
  try {
    const found = await picturesIn(folder, /./, recursive, 'pass over');
    return found.map((relativePath) => ({ path: join(folder, relativePath), relativePath }));
  } catch (error) {
    throw explainFileError(error, 'read', printable(folder, 4096));
  }
}

async function ofGlob(pattern: string): Promise<FilesWithin['files']> {
  const { glob } = await import('tinyglobby');
  // A backslash separates folders on Windows; elsewhere it keeps a character from having a meaning.
  const parts = (process.platform === 'win32' ? pattern.replaceAll('\\', '/') : pattern).split('/');
  const first = parts.findIndex((part) => /[*?[\]{}]/.test(part));
  // Found from the fixed part on, so that paths begin as they were written, not as the library would put them.
  const fixed = parts
    .slice(0, first)
    .map((part) => `${part}/`)
    .join('');
  const below = parts.slice(first).join('/');
  const relativePaths = await glob(below, { cwd: resolve(fixed === '' ? '.' : fixed), expandDirectories: false });
  const outside = await outsideCircles(fixed === '' ? '.' : fixed, relativePaths);
  return outside.sort(byCodePoint).map((relativePath) => ({ path: `${fixed}${relativePath}`, relativePath }));
}

/**
 * The file that an input stands for.
 * @param name what errors call it
 * @throws UserError
 */
export async function bytesOfInput(image: string | URL, name: string): Promise<Buffer> {
  return image === '-' ? readStdin() : encodedBytes(image, name);
}

/** Decodes what `image` of a `PictureInput` stands for. */
export const decodeInput: ImageDecoder = async (image, request) => {
  if (image !== '-') return decodeImage(image, request);
  const name = 'Standard input';
  return decodeImage(await readStdin(request.signal), { ...request, name });
};

async function readStdin(signal?: AbortSignal): Promise<Buffer> {
  if (process.stdin.isTTY) {
    throw new UserError(
      '- stands for a picture on standard input, and none is piped in; add < photo.jpg to the command.',
      'usage',
    );
  }
  const stop = (): void => {
    process.stdin.destroy();
  };
  const release = signal === undefined ? undefined : whenAborted(signal, stop);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const bytes of stdinChunks()) {
      size += bytes.length;
      if (size > maxFileBytes) throw tooManyBytes('Standard input');
      chunks.push(bytes);
    }
  } finally {
    release?.();
  }
  return Buffer.concat(chunks);
}
