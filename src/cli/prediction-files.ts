import { basename, dirname, extname, join, normalize, resolve } from 'node:path';
import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import type { CropTemplate } from '../common/preprocessing.js';
import type { PictureFormat } from '../node/draw/annotated-picture.js';
import { writeFileAtomic } from '../node/files/files.js';
import {
  checkFolderFor,
  checkOutputFiles,
  guardInputs,
  type InputGuard,
  makeFolder,
  type NamedOutput,
} from '../node/files/output-paths.js';
import type { Recognition } from '../recognize/recognition.js';
import { checkDrawing } from './drawing-path.js';
import { filesOf, type PictureInput } from './picture-inputs.js';

/** Whether a path names a file that pictures can be written to; otherwise it is a folder. */
const isPictureFile = (path: string): boolean => /^\.(png|jpe?g|webp)$/i.test(extname(path));

/** The kind of such a file. */
export const formatOf = (path: string): PictureFormat =>
  /^\.jpe?g$/i.test(extname(path)) ? 'jpeg' : /^\.webp$/i.test(extname(path)) ? 'webp' : 'png';

/** Where files that are made of pictures go. */
export interface FileOptions {
  readonly checkpoint: string;
  readonly draw?: string;
  readonly saveCrops?: string;
  readonly csv?: string;
}

/** Files that are made of pictures: a name for each, given before the first is written. */
export interface PlannedFiles {
  /** Path below a folder without ending, in the order of the pictures. */
  readonly stems: readonly string[];
  readonly guard: InputGuard;
}

/**
 * Names the files that will be made of `inputs`, and looks whether they can be.
 * @throws UserError where one would be written over a picture (or weights) that is read or over another one, or cannot be
 * written.
 */
export async function planFiles(inputs: readonly PictureInput[], options: FileOptions): Promise<PlannedFiles> {
  const { checkpoint, draw, saveCrops } = options;
  const csv = options.csv === '-' ? undefined : options.csv;
  const stems = outputStems(inputs);
  if (draw === undefined && saveCrops === undefined && csv === undefined) {
    return { stems, guard: async () => undefined };
  }
  if (draw !== undefined) {
    await checkDrawing(draw, isPictureFile, '.png, .jpg or .webp');
    if (isPictureFile(draw) && inputs.length > 1) {
      throw new UserError('--draw names one file for several pictures; name a folder.', 'usage');
    }
    await checkFolderFor(isPictureFile(draw) ? dirname(draw) : draw);
  }
  if (saveCrops !== undefined) await checkFolderFor(saveCrops);
  const read = filesOf(inputs);
  const guard = await guardInputs([checkpoint, ...read]);
  if (csv !== undefined) {
    await guard(`--csv ${csv}`, csv);
    await checkOutputFiles([{ option: '--csv', path: csv }]);
  }
  const one: NamedOutput[] = [
    ...(csv === undefined ? [] : [{ option: `--csv ${csv}`, path: csv }]),
    ...(draw === undefined
      ? []
      : inputs.map(({ name }, i) => ({ option: `--draw ${draw}`, path: drawnPath(draw, itemAt(stems, i), name) }))),
  ];
  const crops = saveCrops === undefined ? [] : cropsThatMatter(saveCrops, stems, [...read, ...one.map((o) => o.path)]);
  const outputs = [...one, ...crops];
  refuseCollisions(outputs);
  await Promise.all(outputs.map(({ option, path }) => guard(option, path)));
  return { stems, guard };
}

/**
 * Crops of the first face of each picture, and those of further faces that have the name of a file that is read or written:
 * how many faces there are nobody knows yet.
 */
function cropsThatMatter(folder: string, stems: readonly string[], others: readonly string[]): NamedOutput[] {
  const numbers = new Map<string, Set<number>>();
  for (const path of others) {
    const [, stem = '', number] = /^(.*)\.face-([1-9]\d*)\.png$/.exec(basename(path)) ?? [];
    if (number !== undefined) numbers.set(stem, (numbers.get(stem) ?? new Set()).add(Number(number)));
  }
  const option = `--save-crops ${folder}`;
  return stems.flatMap((stem) =>
    [...new Set([1, ...(numbers.get(basename(stem)) ?? [])])].map((face) => ({
      option,
      path: cropPath(folder, stem, face),
    })),
  );
}

/** @throws UserError where two outputs would be one file. */
function refuseCollisions(outputs: readonly NamedOutput[]): void {
  const optionsByPath = new Map<string, string>();
  for (const { option, path } of outputs) {
    const absolute = resolve(path);
    const other = optionsByPath.get(absolute);
    if (other !== undefined) {
      throw new UserError(`${other} and ${option} would both write ${path}; name another file or folder.`, 'usage');
    }
    optionsByPath.set(absolute, option);
  }
}

/** Paths below a folder, without ending, for what is made of pictures from anywhere: each but once, also where case is ignored. */
export function outputStems(inputs: readonly PictureInput[]): string[] {
  const names = new OutputNames();
  return inputs.map(({ relativePath }) => names.stem(relativePath));
}

class OutputNames {
  readonly #used = new Set<string>();

  /** @param relativePath of the picture, as in `PictureInput`: never leads out of the folder. */
  stem(relativePath: string): string {
    const parts = normalize(relativePath)
      .split(/[\\/]/)
      .filter((part) => part !== '' && part !== '.' && part !== '..' && !/^[a-z]:$/i.test(part));
    // A picture that was named by itself goes by its name alone.
    const path = parts.join('/') || 'picture';
    const plain = path.slice(0, path.length - extname(path).length);
    let name = plain;
    for (let i = 2; this.#used.has(name.toLowerCase()); i++) name = `${plain}-${i}`;
    this.#used.add(name.toLowerCase());
    return name;
  }
}

/** Where a picture is drawn: into the file `to`, or below the folder `to` as `stem` with the picture's own kind of file. */
export const drawnPath = (to: string, stem: string, image: string): string =>
  isPictureFile(to) ? to : join(to, stem + (isPictureFile(image) ? extname(image) : '.png'));

const cropPath = (folder: string, stem: string, face: number): string => join(folder, `${stem}.face-${face}.png`);

/**
 * Draws what was recognised.
 * @returns the path
 * @throws UserError where it cannot be written.
 */
export async function drawTo(
  to: string,
  stem: string,
  image: string,
  { picture, faces }: Recognition,
  template: CropTemplate,
): Promise<string | undefined> {
  if (picture === undefined) return undefined;
  const path = drawnPath(to, stem, image);
  const { annotatedRecognition } = await import('../node/draw/annotated-recognition.js');
  await write(path, await annotatedRecognition(picture, faces, template, formatOf(path)));
  return path;
}

/** Writes what the network saw of each face, as `stem.face-1.png` and so on. @returns their paths */
export async function saveCrops(
  folder: string,
  stem: string,
  { faces }: Recognition,
  guard: InputGuard,
): Promise<string[]> {
  const { pngOf } = await import('../node/draw/annotated-picture.js');
  const paths: string[] = [];
  for (const { crop } of faces) {
    if (crop === undefined) continue;
    const path = cropPath(folder, stem, paths.length + 1);
    await guard(`--save-crops ${folder}`, path);
    await write(path, await pngOf(crop));
    paths.push(path);
  }
  return paths;
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await makeFolder(dirname(path));
  await writeFileAtomic(path, bytes);
}
