import { type UnzipFileInfo, unzipSync, Zip, ZipPassThrough } from 'fflate';
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { nextTurn } from '../../common/turns.js';

/** A file of an archive. */
export interface ZipEntry {
  /** With `/` between folders. */
  readonly path: string;
  readonly content: Blob | Iterable<Uint8Array>;
}

/** Bytes that are worked on before others have their turn: some milliseconds. */
const pieceBytes = 2 ** 20;

/** A file, however small, takes as long as so many bytes. */
const fileCost = 2 ** 14;

/** An archive whose files are stored as they are: pictures and weights do not shrink. */
export async function zipOf(entries: Iterable<ZipEntry>): Promise<Blob> {
  const pieces: BlobPart[] = [];
  let failure: Error | undefined;
  const zip = new Zip((error, piece) => {
    if (error === null) pieces.push(new Uint8Array(piece));
    else failure = error;
  });
  let worked = 0;
  for (const { path, content } of entries) {
    const file = new ZipPassThrough(path);
    zip.add(file);
    const parts = content instanceof Blob ? [new Uint8Array(await content.arrayBuffer())] : content;
    for (const part of parts) {
      for (let at = 0; at < part.length; at += pieceBytes) {
        const piece = part.subarray(at, at + pieceBytes);
        file.push(piece);
        worked += piece.length + fileCost;
        if (worked < pieceBytes) continue;
        worked = 0;
        await nextTurn();
      }
    }
    file.push(new Uint8Array(), true);
  }
  zip.end();
  if (failure !== undefined) throw failure;
  return new Blob(pieces, { type: 'application/zip' });
}

/** What is read of an archive at most: somebody else may have made it. */
const limits = { archiveBytes: 2 ** 29, files: 40_000, fileBytes: 2 ** 25, allBytes: 2 ** 29 };

/**
 * The files of an archive, one after the other.
 * @param name what errors call it
 * @param isWanted of a path; all others are not unpacked
 * @throws UserError where it is no archive, is damaged, or holds more than is accepted
 */
export async function* unzipped(
  archive: Blob,
  name: string,
  isWanted: (path: string) => boolean,
): AsyncGenerator<{ readonly path: string; readonly bytes: Uint8Array<ArrayBuffer> }, void, undefined> {
  if (archive.size > limits.archiveBytes) throw tooLarge(name, `${limits.archiveBytes / 2 ** 20} MB`);
  const bytes = new Uint8Array(await archive.arrayBuffer());
  const wanted: { readonly index: number; readonly size: number }[] = [];
  let [index, all] = [0, 0];
  read(bytes, name, (file) => {
    const size = Math.max(file.size, file.originalSize);
    if (isWanted(file.name)) {
      if (size > limits.fileBytes) throw tooLarge(name, `a file of ${limits.fileBytes / 2 ** 20} MB`);
      all += size;
      wanted.push({ index, size });
    }
    index++;
    if (index > limits.files) throw tooLarge(name, `${limits.files} files`);
    if (all > limits.allBytes) throw tooLarge(name, `${limits.allBytes / 2 ** 20} MB unpacked`);
    return false;
  });
  for (let from = 0; from < wanted.length; ) {
    const chosen = new Set<number>();
    let size = 0;
    for (; from < wanted.length && size < pieceBytes; from++) {
      const next = wanted[from];
      if (next === undefined) break;
      chosen.add(next.index);
      size += next.size;
    }
    let at = 0;
    const files = read(bytes, name, () => chosen.has(at++));
    for (const [path, content] of Object.entries(files)) yield { path, bytes: new Uint8Array(content) };
    await nextTurn();
  }
}

function read(
  bytes: Uint8Array,
  name: string,
  filter: (file: UnzipFileInfo) => boolean,
): Readonly<Record<string, Uint8Array>> {
  try {
    return unzipSync(bytes, { filter });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${printable(name, 300)} is no zip archive, or is damaged; choose one that was exported here.`,
      'input',
      {
        cause: error,
      },
    );
  }
}

const tooLarge = (name: string, most: string): UserError =>
  new UserError(`${printable(name, 300)} has more than ${most}, which is what is accepted; choose a smaller archive.`);
