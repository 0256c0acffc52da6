import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ExitCode, UserError } from '../common/errors.js';
import { explainFileError, printable } from '../common/files.js';
import { maxFileBytes } from '../data/decode.js';
import { picturesIn } from '../data/folders.js';
import { decodeImage } from '../recognize/decode-image.js';
import type { ImageDecoder } from '../recognize/image-source.js';

/** A picture that was named, or found in a folder. */
export interface PictureInput {
  /** What results call it: a path as it was given, an address, or `-`. */
  readonly name: string;
  /** Path below the folder or beside the fixed part of the glob that it was found in; for names of files made from it. */
  readonly place: string;
  /** `-` for standard input: see `decodeInput`. */
  readonly image: string | URL;
}

/** Names of pictures in folders, also of kinds that cannot be read: those are told, other files are passed over. */
export const pictureName = /\.(jpe?g|jpe|jfif|a?png|webp|gif|tiff?|avif|bmp|ppm|pgm|heic|heif|jxl|jp2)$/i;

/**
 * What the arguments of a command stand for: `-`, addresses, files, pictures of folders and of globs, in this order, within a
 * folder sorted by name. Files that are named need not be there yet: that is told when they are read.
 *
 * @param recursive also folders within folders
 * @throws UserError for a folder or glob without pictures
 */
export async function pictureInputs(names: readonly string[], recursive: boolean): Promise<PictureInput[]> {
  if (names.filter((name) => name === '-').length > 1) {
    throw new UserError('Standard input (-) can be read once only; name it once.', ExitCode.usage);
  }
  const inputs: PictureInput[] = [];
  for (const name of names) {
    for (const input of await inputsOf(name, recursive)) inputs.push(input);
  }
  return inputs;
}

async function inputsOf(name: string, recursive: boolean): Promise<PictureInput[]> {
  if (name === '-') return [{ name: 'standard input', place: 'stdin', image: name }];
  if (/^https?:\/\//i.test(name)) return [fromAddress(name)];
  const within = await filesWithin(name, recursive);
  if (within === undefined) return [fromFile(name, basename(name))];
  const found = within.files.filter(({ path }) => pictureName.test(path));
  if (found.length > 0) return found.map(({ path, place }) => fromFile(path, place));
  const shown = printable(name, 4096);
  if (within.kind === 'glob') {
    throw new UserError(`No ${within.files.length === 0 ? 'file' : 'picture'} matches ${shown}; check the pattern.`);
  }
  const advice = recursive ? 'name another folder' : 'with --recursive folders within it are searched too';
  throw new UserError(`Folder ${shown} has no pictures; ${advice}.`);
}

/** What a folder or a glob stands for. */
export interface FilesWithin {
  readonly kind: 'folder' | 'glob';
  /** Sorted; `place` is the path below the folder or beside the fixed part of the glob. */
  readonly files: readonly { readonly path: string; readonly place: string }[];
}

/**
 * All files of a folder or glob; undefined for anything else.
 * @param recursive also those of folders within folders
 * @throws UserError for a folder that cannot be read
 */
export async function filesWithin(name: string, recursive: boolean): Promise<FilesWithin | undefined> {
  if (name === '-' || /^[a-z]+:\/\//i.test(name)) return undefined;
  const info = await stat(name).catch(() => undefined);
  if (info?.isDirectory() === true) return { kind: 'folder', files: await ofFolder(name, recursive) };
  if (info === undefined && /[*?[\]{}]/.test(name)) return { kind: 'glob', files: await ofGlob(name) };
  return undefined;
}

function fromFile(path: string, place: string): PictureInput {
  // A path that begins with ./ is no standard input.
  return { name: path, place, image: path === '-' ? './-' : path };
}

function fromAddress(address: string): PictureInput {
  if (!URL.canParse(address)) {
    throw new UserError(`${printable(address)} is no valid address; check how it is spelled.`, ExitCode.usage);
  }
  const url = new URL(address);
  const last = url.pathname.split('/').findLast((part) => part !== '');
  return { name: address, place: last ?? url.hostname, image: url };
}

async function ofFolder(folder: string, recursive: boolean): Promise<FilesWithin['files']> {
  try {
    const found = await picturesIn(folder, /./, recursive, 'pass over');
    return found.map((place) => ({ path: join(folder, place), place }));
  } catch (error) {
    throw explainFileError(error, 'read', printable(folder, 4096));
  }
}

async function ofGlob(pattern: string): Promise<FilesWithin['files']> {
  const { glob } = await import('tinyglobby');
  // A backslash separates folders on Windows; elsewhere it keeps a character from having a meaning.
  const forward = process.platform === 'win32' ? pattern.replaceAll('\\', '/') : pattern;
  const found = (await glob(forward, { expandDirectories: false })).sort();
  const fixed = forward.split('/').findIndex((part) => /[*?[\]{}]/.test(part));
  return found.map((path) => ({ path, place: path.split('/').slice(fixed).join('/') }));
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
      '- stands for a picture on standard input; pipe one: poster predict - < photo.jpg',
      ExitCode.usage,
    );
  }
  const stop = (): void => {
    process.stdin.destroy();
  };
  signal?.addEventListener('abort', stop);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of process.stdin) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > maxFileBytes) {
        throw new UserError(
          `Standard input has more than the ${maxFileBytes} bytes that are accepted; save it smaller.`,
        );
      }
      chunks.push(bytes);
    }
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  return Buffer.concat(chunks);
}
